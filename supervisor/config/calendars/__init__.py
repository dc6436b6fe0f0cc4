"""Days of a timetable: those that repeat, and those that a calendar leaves out."""
