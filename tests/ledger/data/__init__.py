"""Ledgers of released versions."""
