"""What the host offers: clock, threads, resolver, signals, systemd, log, locks."""
