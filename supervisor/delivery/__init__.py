"""Get alerts to the Alertmanagers. Only `client` uses httpx."""
