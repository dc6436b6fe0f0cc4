"""The state that survives a restart: in memory, and on disk."""
