"""Asks an NTP server for the time: the packet and the exchange."""
