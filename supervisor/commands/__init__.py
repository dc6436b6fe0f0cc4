"""The commands, a file each: `add_arguments` and `run`. Called by `__main__`."""
