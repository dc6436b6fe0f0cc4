"""What the kernel tells of this host: routes, sockets, processor, memory, clock."""
