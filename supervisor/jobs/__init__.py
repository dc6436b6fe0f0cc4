"""What a job's wrapper does: run the job unchanged, and leave reports in a spool.

Called by the command `job`. It uses the standard library alone, since every cron job starts it.
"""
