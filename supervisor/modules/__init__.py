"""Run the checks on their timetables, each in a task of its own."""
