-- When each airline's last message was received.
SELECT
    airline       AS service,
    MAX(received) AS last_message_date
FROM push_message
GROUP BY airline
