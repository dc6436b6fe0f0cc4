"""The checks that come with the supervisor: one module each, found by its name."""
