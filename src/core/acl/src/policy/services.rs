//! Names of services and their ports, as IANA registered them.
//!
//! A table of our own, because `getservbyname(3)` reads a file that differs from host to host: a rule must mean the
//! same everywhere.

/// In alphabetical order; a test looks.
const SERVICES: &[(&str, u16)] = &[
    ("amqp", 5672),
    ("amqps", 5671),
    ("bgp", 179),
    ("domain", 53),
    ("domain-s", 853),
    ("ftp", 21),
    ("ftp-data", 20),
    ("ftps", 990),
    ("git", 9418),
    ("http", 80),
    ("http-alt", 8080),
    ("https", 443),
    ("imap", 143),
    ("imaps", 993),
    ("ipp", 631),
    ("irc", 194),
    ("ircs-u", 6697),
    ("kerberos", 88),
    ("ldap", 389),
    ("ldaps", 636),
    ("microsoft-ds", 445),
    ("mqtt", 1883),
    ("ms-sql-s", 1433),
    ("ms-wbt-server", 3389),
    ("mysql", 3306),
    ("nfs", 2049),
    ("nntp", 119),
    ("ntp", 123),
    ("pop3", 110),
    ("pop3s", 995),
    ("postgresql", 5432),
    ("rdp", 3389),
    ("redis", 6379),
    ("rsync", 873),
    ("rtsp", 554),
    ("secure-mqtt", 8883),
    ("sip", 5060),
    ("sips", 5061),
    ("smtp", 25),
    ("snmp", 161),
    ("socks", 1080),
    ("ssh", 22),
    ("stun", 3478),
    ("submission", 587),
    ("submissions", 465),
    ("svn", 3690),
    ("syslog", 514),
    ("telnet", 23),
    ("tftp", 69),
    ("vnc", 5900),
    ("xmpp-client", 5222),
    ("xmpp-server", 5269),
];

/// The port of a service, whatever the case of its name.
pub(super) fn port(name: &str) -> Option<u16> {
    if name.starts_with(|first: char| first.is_ascii_digit()) {
        return None;
    }
    let name = name.to_ascii_lowercase();
    let at = SERVICES.binary_search_by_key(&name.as_str(), |(known, _)| known).ok()?;
    Some(SERVICES[at].1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_service_is_found() {
        for (name, expected) in SERVICES {
            assert_eq!(port(name), Some(*expected), "{name}");
        }
        assert_eq!(port("HTTPS"), Some(443));
        assert_eq!(port("gopher-next"), None);
    }
}
