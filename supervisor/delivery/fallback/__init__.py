"""The last resort: a mail or a command tells what no Alertmanager takes."""
