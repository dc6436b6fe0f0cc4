"""What is mounted, how full it is, and what was appended to a log."""
