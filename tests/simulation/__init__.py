"""The whole supervisor in a simulated world: virtual time, peers, a disk and faults from a seed."""
