"""What `jobs` needs: the spool with its reports, what is kept of a job, and what is due when."""
