"""The units that `systemd_unit` watches, and what they use."""
