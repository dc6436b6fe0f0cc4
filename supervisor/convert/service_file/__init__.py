"""The text of a service file: TOML values, lines, comments, secrets, and the files on the disk.

`mapping/` fills the tables; `conversion` and `command` lay them out, check them and write them.
"""
