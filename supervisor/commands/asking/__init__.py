"""Commands that ask the running supervisor."""
