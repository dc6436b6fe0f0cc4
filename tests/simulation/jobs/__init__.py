"""Jobs of a simulated host that report to a spool, and the real check that reads it."""
