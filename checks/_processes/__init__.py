"""Processes, pid files, systemd units, and what plug-ins print."""
