"""Silences of Alertmanager: made, listed and ended; and what each peer does with our alerts."""
