"""The last resort."""
