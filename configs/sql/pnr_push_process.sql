-- Push messages of flights from or to our airports that were received too long ago and are not
-- processed: a row for each airline, with up to five examples, the oldest first, a line for each.
SELECT
    m.airline     AS airline,
    COUNT(*)      AS waiting,
    MIN(m.received) AS oldest,
    SUBSTRING_INDEX(
        GROUP_CONCAT(
            f.airline, f.flight_number, ' ', f.departure, '-', f.arrival, ' message ', m.id,
            ' received ', DATE_FORMAT(m.received, '%Y-%m-%d %H:%i:%s')
            ORDER BY m.received, m.id SEPARATOR '\n'
        ),
        '\n', 5
    )             AS sample
FROM push_message AS m
JOIN flight AS f ON f.id = m.flight_id
WHERE m.processed IS NULL
  AND m.received < %(received_before)s
  AND (f.departure IN %(airports)s OR f.arrival IN %(airports)s)
GROUP BY m.airline
