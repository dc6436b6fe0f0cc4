"""The limit of a number: one number, or a table of event types with a number each."""
