"""Looks at this host and writes a first service file for it. Used by the command `discover`."""
