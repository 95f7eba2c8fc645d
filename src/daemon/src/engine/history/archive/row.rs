//! One session as it is shown; the names are those of the columns.

use jiff::Timestamp;
use serde::Serialize;
use uuid::Uuid;

/// In the order of [`Row`]'s fields.
pub(super) const COLUMNS: &str = "session_id, user, start_time, end_time, duration_secs, source_ip, source_port, \
    dest_host, dest_ip, dest_port, protocol, bytes_sent, bytes_received, packets_sent, packets_received, status, \
    close_reason, acl_rule_matched, acl_decision, listener, dialect, command, auth_method, claimed, exit_ip, exit_port, \
    generation, handshake_us, auth_us, rules_us, dns_us, connect_us, first_byte_us, remark";

/// The version of the tables that has `rules_us`; a file that only earlier programs have written has none.
pub(super) const RULES_SINCE: i64 = 3;

/// The same of such a file.
pub(super) const COLUMNS_BEFORE_RULES: &str = "session_id, user, start_time, end_time, duration_secs, source_ip, source_port, \
    dest_host, dest_ip, dest_port, protocol, bytes_sent, bytes_received, packets_sent, packets_received, status, \
    close_reason, acl_rule_matched, acl_decision, listener, dialect, command, auth_method, claimed, exit_ip, exit_port, \
    generation, handshake_us, auth_us, NULL, dns_us, connect_us, first_byte_us, remark";

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Row {
    pub(crate) session_id: Uuid,
    pub(crate) user: Option<String>,
    pub(crate) start_time: Timestamp,
    pub(crate) end_time: Option<Timestamp>,
    pub(crate) duration_secs: Option<i64>,
    pub(crate) source_ip: Option<String>,
    pub(crate) source_port: Option<u16>,
    pub(crate) dest_host: Option<String>,
    pub(crate) dest_ip: Option<String>,
    pub(crate) dest_port: Option<u16>,
    pub(crate) protocol: Option<String>,
    pub(crate) bytes_sent: i64,
    pub(crate) bytes_received: i64,
    pub(crate) packets_sent: i64,
    pub(crate) packets_received: i64,
    pub(crate) status: String,
    pub(crate) close_reason: Option<String>,
    pub(crate) acl_rule_matched: Option<String>,
    pub(crate) acl_decision: Option<String>,
    pub(crate) listener: String,
    pub(crate) dialect: Option<String>,
    pub(crate) command: Option<String>,
    pub(crate) auth_method: Option<String>,
    pub(crate) claimed: Option<String>,
    pub(crate) exit_ip: Option<String>,
    pub(crate) exit_port: Option<u16>,
    pub(crate) generation: i64,
    pub(crate) handshake_us: Option<i64>,
    pub(crate) auth_us: Option<i64>,
    pub(crate) rules_us: Option<i64>,
    pub(crate) dns_us: Option<i64>,
    pub(crate) connect_us: Option<i64>,
    pub(crate) first_byte_us: Option<i64>,
    pub(crate) remark: Option<String>,
}

impl Row {
    pub(super) fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            session_id: Uuid::from_bytes(row.get(0)?),
            user: row.get(1)?,
            start_time: moment(row.get(2)?),
            end_time: row.get::<_, Option<i64>>(3)?.map(moment),
            duration_secs: row.get(4)?,
            source_ip: row.get(5)?,
            source_port: row.get(6)?,
            dest_host: row.get(7)?,
            dest_ip: row.get(8)?,
            dest_port: row.get(9)?,
            protocol: row.get(10)?,
            bytes_sent: row.get(11)?,
            bytes_received: row.get(12)?,
            packets_sent: row.get(13)?,
            packets_received: row.get(14)?,
            status: row.get(15)?,
            close_reason: row.get(16)?,
            acl_rule_matched: row.get(17)?,
            acl_decision: row.get(18)?,
            listener: row.get(19)?,
            dialect: row.get(20)?,
            command: row.get(21)?,
            auth_method: row.get(22)?,
            claimed: row.get(23)?,
            exit_ip: row.get(24)?,
            exit_port: row.get(25)?,
            generation: row.get(26)?,
            handshake_us: row.get(27)?,
            auth_us: row.get(28)?,
            rules_us: row.get(29)?,
            dns_us: row.get(30)?,
            connect_us: row.get(31)?,
            first_byte_us: row.get(32)?,
            remark: row.get(33)?,
        })
    }
}

/// Years beyond 9999 cannot be shown.
fn moment(micros: i64) -> Timestamp {
    Timestamp::from_microsecond(micros).unwrap_or(if micros < 0 { Timestamp::MIN } else { Timestamp::MAX })
}
