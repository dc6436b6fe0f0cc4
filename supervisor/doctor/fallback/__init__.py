"""Finds out, for `doctor`, whether the fallback could tell somebody."""
