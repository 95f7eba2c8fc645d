//! DNS messages (RFC 1035 §4) as far as a test's name server needs them: one question in, its answer out.

use std::net::IpAddr;

const A: u16 = 1;
const PTR: u16 = 12;
const AAAA: u16 = 28;
const INTERNET: u16 = 1;

/// Answers may be kept for this many seconds.
const TTL: u32 = 60;

/// QR, AA, RD and RA; the response code is added.
const ANSWER: u16 = 0x8580;
const TRUNCATED: u16 = 0x0200;
const SERVER_FAILURE: u16 = 2;
const NO_SUCH_NAME: u16 = 3;

/// A question and what is needed to answer it.
pub(super) struct Question {
    /// In lower case, without a final dot.
    pub(super) name: String,
    kind: u16,
    id: [u8; 2],
    /// The question section as it came: resolvers compare even its letters' case.
    section: Vec<u8>,
}

impl Question {
    pub(super) fn parse(query: &[u8]) -> Option<Self> {
        let (header, body) = query.split_first_chunk::<12>()?;
        let mut labels = Vec::new();
        let mut rest = body;
        loop {
            let (&length, tail) = rest.split_first()?;
            let (label, tail) = tail.split_at_checked(usize::from(length))?;
            rest = tail;
            if label.is_empty() {
                break;
            }
            labels.push(String::from_utf8_lossy(label).to_ascii_lowercase());
        }
        let [high, low, _, _] = *rest.first_chunk::<4>()?;
        let section = body[..body.len() - rest.len() + 4].to_vec();
        Some(Self {
            name: labels.join("."),
            kind: u16::from_be_bytes([high, low]),
            id: [header[0], header[1]],
            section,
        })
    }

    /// Those of the addresses that have the family in question.
    pub(super) fn addresses(&self, addresses: &[IpAddr]) -> Vec<u8> {
        let records = addresses.iter().filter_map(|address| match (address, self.kind) {
            (IpAddr::V4(ip), A) => Some(ip.octets().to_vec()),
            (IpAddr::V6(ip), AAAA) => Some(ip.octets().to_vec()),
            _ => None,
        });
        self.message(ANSWER, &records.collect::<Vec<_>>())
    }

    /// The name that an address points to.
    pub(super) fn pointer(&self, name: &str) -> Vec<u8> {
        let records = if self.kind == PTR { vec![encoded(name)] } else { Vec::new() };
        self.message(ANSWER, &records)
    }

    /// "Ask again over TCP."
    pub(super) fn truncated(&self) -> Vec<u8> {
        self.message(ANSWER | TRUNCATED, &[])
    }

    pub(super) fn failure(&self) -> Vec<u8> {
        self.message(ANSWER | SERVER_FAILURE, &[])
    }

    pub(super) fn no_such_name(&self) -> Vec<u8> {
        self.message(ANSWER | NO_SUCH_NAME, &[])
    }

    fn message(&self, flags: u16, records: &[Vec<u8>]) -> Vec<u8> {
        let count = u16::try_from(records.len()).expect("a zone has few records");
        let mut message = self.id.to_vec();
        for field in [flags, 1, count, 0, 0] {
            message.extend(field.to_be_bytes());
        }
        message.extend(&self.section);
        for record in records {
            message.extend(self.record(record));
        }
        message
    }

    fn record(&self, data: &[u8]) -> Vec<u8> {
        let length = u16::try_from(data.len()).expect("a record is short");
        // RFC 1035 §4.1.4: the name is the one at offset 12.
        let fields = [0xC00C, self.kind, INTERNET].map(u16::to_be_bytes).concat();
        [&fields[..], &TTL.to_be_bytes(), &length.to_be_bytes(), data].concat()
    }
}

fn encoded(name: &str) -> Vec<u8> {
    let label =
        |label: &str| [&[u8::try_from(label.len()).expect("a label has at most 63 bytes")], label.as_bytes()].concat();
    let mut bytes: Vec<u8> = name.split('.').flat_map(label).collect();
    bytes.push(0);
    bytes
}
