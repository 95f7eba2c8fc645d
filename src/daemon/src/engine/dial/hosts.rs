//! The hosts file (hosts(5)): names that need no name server.
//!
//! A name that stands here is answered from here alone: a family that the file leaves out is absent,
//! and no server is asked to add to what the operator wrote.

use std::collections::HashMap;
use std::net::IpAddr;

#[derive(Debug, Default)]
pub(super) struct Hosts {
    by_name: HashMap<String, Vec<IpAddr>>,
    by_address: HashMap<IpAddr, String>,
}

impl Hosts {
    /// Reads what can be read: a line with a broken address is nobody's, as for every other reader of this file.
    pub(super) fn parse(text: &str) -> Self {
        let mut hosts = Self::default();
        for line in text.lines() {
            hosts.add(line);
        }
        hosts
    }

    /// All addresses of a name in lower case.
    pub(super) fn addresses(&self, name: &str) -> Option<&[IpAddr]> {
        self.by_name.get(name).map(Vec::as_slice)
    }

    /// The canonical name of an address: the first one on its first line.
    pub(super) fn name_of(&self, address: IpAddr) -> Option<&str> {
        self.by_address.get(&address).map(String::as_str)
    }

    fn add(&mut self, line: &str) {
        let written = line.split('#').next().unwrap_or_default();
        let mut words = written.split_whitespace();
        let Some(address) = words.next().and_then(|word| word.parse::<IpAddr>().ok()) else { return };
        for name in words.map(|word| word.trim_end_matches('.').to_ascii_lowercase()) {
            self.by_address.entry(address).or_insert_with(|| name.clone());
            self.by_name.entry(name).or_default().push(address);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "\
        127.0.0.1 localhost\n\
        ::1 localhost ip6-localhost # loopback\n\
        # 192.0.2.9 commented.example\n\
        fe80::1%lo0 scoped.example\n\
        \t192.0.2.7\tDB.Example. db\n\
        192.0.2.8 db.example\n";

    #[test]
    fn a_name_has_the_addresses_of_all_its_lines() {
        check("localhost", &["127.0.0.1", "::1"]);
        check("ip6-localhost", &["::1"]);
        check("db.example", &["192.0.2.7", "192.0.2.8"]);
        check("db", &["192.0.2.7"]);
    }

    #[test]
    fn comments_and_broken_lines_name_nobody() {
        let hosts = Hosts::parse(FILE);
        for name in ["commented.example", "scoped.example", "loopback", "#", ""] {
            assert_eq!(hosts.addresses(name), None, "{name}");
        }
    }

    #[test]
    fn an_address_has_the_first_name_of_its_first_line() {
        let hosts = Hosts::parse(FILE);
        assert_eq!(hosts.name_of("192.0.2.7".parse().unwrap()), Some("db.example"));
        assert_eq!(hosts.name_of("192.0.2.9".parse().unwrap()), None);
    }

    fn check(name: &str, expected: &[&str]) {
        let hosts = Hosts::parse(FILE);
        let expected: Vec<IpAddr> = expected.iter().map(|address| address.parse().unwrap()).collect();
        assert_eq!(hosts.addresses(name).unwrap(), expected, "{name}");
    }
}
