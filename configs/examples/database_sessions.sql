-- How many sessions the server has: an example for the check `sql`.
SELECT COUNT(*) FROM information_schema.PROCESSLIST
