"""What a service file may say, but hardly means. `validate` and `doctor` show it."""
