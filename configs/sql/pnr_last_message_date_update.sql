-- Carried out for each airline, all in one transaction. The same date twice changes nothing, and
-- an earlier one never takes the place of a later.
INSERT INTO service (server_name, service, last_message_date)
VALUES (%(server_name)s, %(service)s, %(last_message_date)s)
ON DUPLICATE KEY UPDATE
    last_message_date = GREATEST(
        COALESCE(last_message_date, VALUES(last_message_date)), VALUES(last_message_date)
    )
