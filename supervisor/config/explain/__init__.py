"""What is wrong in a service file, in words: where it stands, and what would be right.

Only errors need these files. A file without an error imports none of them.
"""
