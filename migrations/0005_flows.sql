-- Where the datagrams of associations went: the peers with the most bytes of each, as its last record says.
-- What a row of sessions has more, it has with others.
CREATE TABLE flows (
    session_id BLOB NOT NULL,
    peer_ip TEXT NOT NULL,
    peer_port INTEGER NOT NULL,
    bytes_sent INTEGER NOT NULL,
    bytes_received INTEGER NOT NULL,
    packets_sent INTEGER NOT NULL,
    packets_received INTEGER NOT NULL,
    PRIMARY KEY (session_id, peer_ip, peer_port)
) STRICT, WITHOUT ROWID;

CREATE INDEX flows_by_peer_ip ON flows (peer_ip);

-- Whoever removes a session removes them too.
CREATE TRIGGER flows_of_no_session AFTER DELETE ON sessions WHEN old.protocol = 'udp'
BEGIN
    DELETE FROM flows WHERE session_id = old.session_id;
END;
