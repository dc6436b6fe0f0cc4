"""What the kernel knows of this host: routes, sockets, processors, memory, clock."""
