"""Read a service file into frozen values, and report every problem at once."""
