"""Asks name servers: the query, its way there and back, and what is wrong with an answer."""
