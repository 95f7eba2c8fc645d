-- Every column of sessions, with times and ids as people read them: the view had fewer, and lacked those that came later.
DROP VIEW sessions_readable;
CREATE VIEW sessions_readable AS
SELECT
    lower(substr(hex(session_id), 1, 8) || '-' || substr(hex(session_id), 9, 4) || '-' || substr(hex(session_id), 13, 4)
        || '-' || substr(hex(session_id), 17, 4) || '-' || substr(hex(session_id), 21)) AS session_id,
    user,
    strftime('%Y-%m-%dT%H:%M:%fZ', start_time / 1e6, 'unixepoch') AS start_time,
    strftime('%Y-%m-%dT%H:%M:%fZ', end_time / 1e6, 'unixepoch') AS end_time,
    duration_secs, source_ip, source_port, dest_host, dest_ip, dest_port, protocol,
    bytes_sent, bytes_received, packets_sent, packets_received, status, close_reason,
    acl_rule_matched, acl_decision,
    strftime('%Y-%m-%dT%H:%M:%fZ', created_at / 1e6, 'unixepoch') AS created_at,
    exit_ip, exit_port, listener, dialect, command, auth_method, claimed, generation,
    handshake_us, auth_us, rules_us, dns_us, connect_us, first_byte_us, remark, spool
FROM sessions;
