"""Counters of each module since the start, for people and for metrics."""
