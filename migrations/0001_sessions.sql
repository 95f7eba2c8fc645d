-- One row for each session that asked for something, and for each refused login.
-- Times are microseconds since 1970-01-01T00:00:00Z; durations are microseconds.
-- session_id is a UUIDv7: rows lie in the order of their start, and need no index for it.
-- spool is the one that it came through: whoever takes that over knows that nobody else goes on with what is active.
CREATE TABLE sessions (
    session_id BLOB NOT NULL PRIMARY KEY,
    user TEXT,
    start_time INTEGER NOT NULL,
    end_time INTEGER,
    duration_secs INTEGER GENERATED ALWAYS AS ((end_time - start_time) / 1000000) VIRTUAL,
    source_ip TEXT,
    source_port INTEGER,
    dest_ip TEXT,
    dest_port INTEGER,
    protocol TEXT,
    bytes_sent INTEGER NOT NULL DEFAULT 0,
    bytes_received INTEGER NOT NULL DEFAULT 0,
    packets_sent INTEGER NOT NULL DEFAULT 0,
    packets_received INTEGER NOT NULL DEFAULT 0,
    status TEXT NOT NULL,
    close_reason TEXT,
    acl_rule_matched TEXT,
    acl_decision TEXT,
    created_at INTEGER NOT NULL DEFAULT (CAST(unixepoch('subsec') * 1000000 AS INTEGER)),
    dest_host TEXT COLLATE NOCASE,
    exit_ip TEXT,
    exit_port INTEGER,
    listener TEXT NOT NULL,
    dialect TEXT,
    command TEXT,
    auth_method TEXT,
    claimed TEXT,
    generation INTEGER NOT NULL,
    handshake_us INTEGER,
    auth_us INTEGER,
    dns_us INTEGER,
    connect_us INTEGER,
    first_byte_us INTEGER,
    remark TEXT,
    spool INTEGER NOT NULL DEFAULT 1
) STRICT, WITHOUT ROWID;

-- Where nobody logs in, everybody is anonymous, and whoever asks for them needs no index.
CREATE INDEX sessions_by_user ON sessions (user) WHERE user <> 'anonymous';
CREATE INDEX sessions_by_dest_ip ON sessions (dest_ip);
-- Most sessions are closed; whoever asks for them needs no index.
CREATE INDEX sessions_by_status ON sessions (status) WHERE status <> 'closed';

-- How far each spool has been read into this file.
CREATE TABLE spool_position (
    spool INTEGER NOT NULL PRIMARY KEY,
    segment INTEGER NOT NULL,
    offset INTEGER NOT NULL,
    seen INTEGER NOT NULL
) STRICT;

-- The same rows with times and ids as people read them.
CREATE VIEW sessions_readable AS
SELECT
    lower(substr(hex(session_id), 1, 8) || '-' || substr(hex(session_id), 9, 4) || '-' || substr(hex(session_id), 13, 4)
        || '-' || substr(hex(session_id), 17, 4) || '-' || substr(hex(session_id), 21)) AS session_id,
    user,
    strftime('%Y-%m-%dT%H:%M:%fZ', start_time / 1e6, 'unixepoch') AS start_time,
    strftime('%Y-%m-%dT%H:%M:%fZ', end_time / 1e6, 'unixepoch') AS end_time,
    duration_secs, source_ip, source_port, dest_host, dest_ip, dest_port, protocol,
    bytes_sent, bytes_received, packets_sent, packets_received, status, close_reason,
    acl_rule_matched, acl_decision, listener, dialect, command, auth_method, claimed
FROM sessions;
