"""What this host gives: clock, threads, names, signals, systemd, log, locks."""
