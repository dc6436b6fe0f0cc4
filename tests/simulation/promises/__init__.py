"""What is promised, judged from what happens in a simulated world: one file for each promise."""
