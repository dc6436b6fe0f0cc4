"""Pings many hosts through one socket of each family: packets, sockets, rounds, names."""
