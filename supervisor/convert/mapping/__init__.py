"""What each key of a legacy file becomes in a service file.

`conversion` calls `service`, which builds the tables that `service_file/` writes.
"""
