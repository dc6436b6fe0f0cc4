"""Mounted filesystems, how full they are, and the new lines of a log."""
