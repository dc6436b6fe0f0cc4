"""One query on MySQL or MariaDB: where the server is, the SQL file, the connection, the rows."""
