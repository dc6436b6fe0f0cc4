"""The log: its lines, how many of one cause, and the thread that writes them."""
