//! A daemon's HTTP endpoint, as Prometheus and as those see it who mean no good.

use std::collections::{BTreeSet, HashMap};
use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};

use crate::port::Port;
use crate::wait::PATIENCE;

/// Where one daemon's endpoint will be.
#[derive(Debug)]
pub struct Endpoint {
    port: Port,
}

/// An answer that came whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    /// All lines, the status line included.
    pub head: String,
    pub body: String,
}

/// What one scrape saw.
#[derive(Debug, Clone)]
pub struct Scrape {
    pub text: String,
    values: HashMap<String, f64>,
}

impl Endpoint {
    /// A port of 127.0.0.1.
    #[must_use]
    pub fn reserve() -> Self {
        Self::reserve_on(Ipv4Addr::LOCALHOST.into())
    }

    /// A port of this address.
    #[must_use]
    pub fn reserve_on(ip: IpAddr) -> Self {
        Self { port: Port::reserve(ip) }
    }

    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.port.addr()
    }

    /// The daemon's `[metrics]` table, to which further keys may be added.
    #[must_use]
    pub fn settings(&self) -> String {
        let address = self.addr();
        format!("[metrics]\nenabled = true\nbind_address = \"{}\"\nbind_port = {}\n", address.ip(), address.port())
    }

    /// What a plain GET is answered.
    #[must_use]
    pub fn get(&self, path: &str) -> Answer {
        let request = format!("GET {path} HTTP/1.1\r\nHost: {}\r\n\r\n", self.addr());
        self.answer_to(request.as_bytes()).unwrap_or_else(|| panic!("GET {path} should be answered"))
    }

    /// What these bytes are answered, if they are.
    #[must_use]
    pub fn answer_to(&self, request: &[u8]) -> Option<Answer> {
        let mut stream = TcpStream::connect_timeout(&self.addr(), PATIENCE).ok()?;
        stream.set_read_timeout(Some(PATIENCE)).expect("the limit is not zero");
        stream.set_write_timeout(Some(PATIENCE)).expect("the limit is not zero");
        // Whoever is refused in the middle of it may find the connection gone; the answer is what counts.
        let _ = stream.write_all(request);
        let mut bytes = Vec::new();
        let _ = stream.read_to_end(&mut bytes);
        Answer::parse(&bytes)
    }

    #[must_use]
    pub fn scrape(&self) -> Scrape {
        let answer = self.get("/metrics");
        assert_eq!(answer.status, 200, "{}", answer.body);
        Scrape::parse(answer.body)
    }
}

impl Answer {
    /// Reads an answer up to the end of its connection; nothing if it is not whole.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let text = String::from_utf8(bytes.to_vec()).ok()?;
        let (head, body) = text.split_once("\r\n\r\n")?;
        let status = head.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok()?;
        Some(Self { status, head: head.to_owned(), body: body.to_owned() })
    }

    /// The value of a header field.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&str> {
        let fields = self.head.lines().skip(1).filter_map(|line| line.split_once(": "));
        fields.filter(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value).next()
    }
}

impl Scrape {
    /// Reads Prometheus' text format.
    #[must_use]
    pub fn parse(text: String) -> Self {
        let samples = text.lines().filter(|line| !line.starts_with('#'));
        let values = samples.map(|line| {
            let (series, value) = line.rsplit_once(' ').unwrap_or_else(|| panic!("no sample: {line}"));
            (series.to_owned(), value.parse().unwrap_or_else(|_| panic!("no number: {line}")))
        });
        Self { values: values.collect(), text }
    }

    /// The value of one series, as it is written, such as `rustsocks_refusals_total{reason="denied"}`.
    #[must_use]
    pub fn value(&self, series: &str) -> f64 {
        self.find(series).unwrap_or_else(|| panic!("no {series} in\n{}", self.text))
    }

    /// The same, if there is one.
    #[must_use]
    pub fn find(&self, series: &str) -> Option<f64> {
        self.values.get(series).copied()
    }

    /// A count that must be whole.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is checked")]
    pub fn count(&self, series: &str) -> u64 {
        let value = self.value(series);
        assert!(value >= 0.0 && value.fract() == 0.0, "{series} is {value}");
        value as u64
    }

    /// Every series.
    pub fn series(&self) -> impl Iterator<Item = &str> {
        self.values.keys().map(String::as_str)
    }

    /// The series of one metric.
    #[must_use]
    pub fn of(&self, name: &str) -> Vec<&str> {
        self.series().filter(|series| series.split('{').next() == Some(name)).collect()
    }

    /// Every metric, as its TYPE line names it.
    #[must_use]
    pub fn names(&self) -> BTreeSet<&str> {
        self.text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next()).collect()
    }
}
