-- What each user has carried, by the quarter of an hour: seconds since 1970-01-01T00:00:00Z, divided by 900. Quotas ask for it.
-- It grows with the rows of sessions, in the same transactions, and outlives them.
-- spool is the one that it comes through as long as its process lives, which counts that by itself; 0 is everything before.
CREATE TABLE usage (
    quarter INTEGER NOT NULL,
    user TEXT NOT NULL,
    spool INTEGER NOT NULL,
    bytes_sent INTEGER NOT NULL,
    bytes_received INTEGER NOT NULL,
    PRIMARY KEY (quarter, user, spool)
) STRICT, WITHOUT ROWID;

-- When a session carried what is only known of sessions that are over; what is older than any quota asks for is left out.
INSERT INTO usage
SELECT coalesce(end_time, start_time) / 900000000, user, 0, sum(bytes_sent), sum(bytes_received)
FROM sessions
WHERE user IS NOT NULL AND user <> 'anonymous' AND bytes_sent + bytes_received > 0
    AND coalesce(end_time, start_time) > (unixepoch() - 40 * 86400) * 1000000
GROUP BY 1, 2;
