"""Reads YAML exactly as the legacy agent's Ruby read it, and keeps lines and comments.

`conversion` calls `encoding` and `document`; the folder knows nothing of TOML.
"""
