"""Examinations before going live. They only ask and read. Called by the command `doctor`."""
