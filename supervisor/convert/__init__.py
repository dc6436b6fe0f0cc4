"""Turns configuration files of the legacy agent into service files.

`scripts/convert_yaml.py` runs it; the daemon never imports it.
"""
