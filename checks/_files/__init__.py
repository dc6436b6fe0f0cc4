"""Mounted filesystems and how full they are."""
