"""Run the checks on their timetables. Each module has a task of its own."""
