"""Reading all logs that a pattern of paths stands for."""
