"""When a module is due, and the timetable of a day. Pure."""
