"""Processes, pid files, systemd units, and the output of plugins."""
