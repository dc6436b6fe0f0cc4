-- How many messages each process handled for each airline, in a window of time.
SELECT
    airline       AS airline,
    process       AS process,
    SUM(messages) AS messages
FROM report_row
WHERE handled >= %(since)s AND handled < %(until)s
GROUP BY airline, process
