"""Look at the running supervisor and steer it, through a socket on its own host."""
