"""One file for each kind of thing that a host may have. Each returns a `Finding`."""
