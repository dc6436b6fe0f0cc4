"""What each module has done since the start, for people and metrics."""
