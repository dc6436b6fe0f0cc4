-- The airlines' names, and when the last message of each came, on whichever server.
SELECT
    service                AS service,
    MAX(name)              AS name,
    MAX(last_message_date) AS last_message_date
FROM service
GROUP BY service
