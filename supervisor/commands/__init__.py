"""The command line's verbs, a file each: `add_arguments` and `run`. Called by `__main__`."""
