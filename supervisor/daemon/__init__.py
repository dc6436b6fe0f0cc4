"""The running process: its nursery tree, reload, watchdog. Called by the command `run`."""
