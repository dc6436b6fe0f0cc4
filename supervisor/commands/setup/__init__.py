"""Commands for the first hour: a first service file, its schema, completion, man pages."""
