"""A Trio supervisor of host checks that reports to Prometheus Alertmanager."""

__version__ = "0.1.0"
