"""Writes the tables of docs/reference from the code.

A page has each table between two comments, `<!-- made: WHAT -->` and `<!-- end -->`. `scripts/docs`
writes them again, and `tests/test_reference.py` fails while one is old.
"""
