"""One question to a time server: the packet and the exchange."""
