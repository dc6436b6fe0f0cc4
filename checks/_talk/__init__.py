"""Talks with a server: what is said, what must be answered, and the way there."""
