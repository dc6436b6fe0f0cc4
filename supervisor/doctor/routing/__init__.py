"""The routing of an Alertmanager: which route takes an alert, and what goes wrong on its way."""
