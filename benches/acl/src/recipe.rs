//! The rules and the requests.
//!
//! Half of the rules belong to ten groups, the others to users with fifty each, and a few to everyone. Four in ten name
//! a host, two all names below one, one has a wildcard inside a label, three a network; one in five blocks.

use std::fmt::Write;
use std::net::IpAddr;

use acl::Destination;

use crate::chance::Chance;

const GROUPS: usize = 10;
const RULES_PER_USER: usize = 50;
const RULES_OF_EVERYONE: usize = 5;

/// A request and who makes it.
pub(crate) struct Question {
    pub(crate) user: String,
    pub(crate) destination: Destination,
    /// What the name resolves to.
    pub(crate) address: Option<IpAddr>,
    pub(crate) port: u16,
    pub(crate) source: IpAddr,
}

/// What kind of request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A name that rules speak of, before it is looked up.
    ByName,
    /// The same name with one of its addresses.
    Resolved,
    /// An address that rules speak of.
    ByAddress,
    /// A name and an address that no rule speaks of.
    Default,
    /// An address, by rules of another file: everyone's, for everything, one for each client.
    ByClient,
}

impl Kind {
    /// Those that are about the same file.
    pub(crate) const COMMON: [Self; 4] = [Self::ByName, Self::Resolved, Self::ByAddress, Self::Default];
}

/// A rule file of so many rules that differ in nothing but where the client is.
pub(crate) fn file_by_client(rules: usize) -> String {
    let head = "[global]\ndefault_policy = \"deny\"\n[[users]]\nusername = \"*\"\n".to_owned();
    (0..rules).fold(head, |mut text, number| {
        let action = if number % 5 == 4 { "block" } else { "allow" };
        let written = writeln!(
            text,
            "[[users.rules]]\naction = \"{action}\"\ndestinations = [\"*\"]\nsources = [\"{}\"]",
            client(number)
        );
        written.expect("a string takes everything");
        text
    })
}

/// A rule file of so many rules.
pub(crate) fn file(rules: usize) -> String {
    let mut text = String::from("[global]\ndefault_policy = \"deny\"\n");
    let of_everyone = RULES_OF_EVERYONE.min(rules / 10);
    let of_groups = (rules - of_everyone) / 2;
    let mut number = 0..rules;
    let mut table = |heading: &str, inner: &str, count: usize, text: &mut String| {
        text.push_str(heading);
        for number in number.by_ref().take(count) {
            rule(number, inner, text);
        }
    };
    table("[[users]]\nusername = \"*\"\n", "users", of_everyone, &mut text);
    for group in 0..GROUPS {
        let count = of_groups / GROUPS + usize::from(group < of_groups % GROUPS);
        table(&format!("[[groups]]\nname = \"group{group}\"\n"), "groups", count, &mut text);
    }
    for user in 0..users(rules) {
        let heading = format!(
            "[[users]]\nusername = \"user{user}\"\ngroups = [\"group{}\", \"group{}\"]\n",
            user % GROUPS,
            (user / GROUPS + 1) % GROUPS
        );
        table(&heading, "users", RULES_PER_USER, &mut text);
    }
    text
}

/// As many requests of one kind, about rules that hold for whoever asks where the kind is about rules.
pub(crate) fn questions(rules: usize, kind: Kind, count: usize) -> Vec<Question> {
    let mut chance = Chance::new();
    let question = |_| {
        let user = format!("user{}", chance.below(users(rules)));
        let number = chance.below(rules);
        let variant = chance.below(256);
        let (destination, address) = match kind {
            Kind::ByName => (name(number, variant), None),
            Kind::Resolved => (name(number, variant), Some(address(chance.below(rules), variant))),
            Kind::ByAddress | Kind::ByClient => (Destination::from_address(address(number, variant)), None),
            Kind::Default => (host(&format!("www.unknown{number}.net")), Some(IpAddr::from([93, 184, 216, 34]))),
        };
        Question { user, destination, address, port: 443, source: client(number) }
    };
    (0..count).map(question).collect()
}

fn users(rules: usize) -> usize {
    (rules / 2).div_ceil(RULES_PER_USER).max(1)
}

fn rule(number: usize, of: &str, text: &mut String) {
    let action = if number % 5 == 4 { "block" } else { "allow" };
    let ports = ["\"443\"", "\"80\", \"443\", \"8000-9000\"", "\"*\""][number % 3];
    let destination = match number % 10 {
        0..4 => format!("host{number}.site{}.example.com", number % 997),
        4..6 => format!("*.site{number}.example.org"),
        6 => format!("prod-*.site{number}.example.net"),
        7 => format!("2001:db8:{:x}:{:x}::/64", number >> 16, number & 0xffff),
        _ => network(number),
    };
    let written = writeln!(
        text,
        "[[{of}.rules]]\naction = \"{action}\"\ndescription = \"Rule number {number}\"\n\
         destinations = [\"{destination}\"]\nports = [{ports}]\nprotocols = [\"tcp\"]"
    );
    written.expect("a string takes everything");
}

/// 10.0.0.0/8 in pieces of 64 addresses, of which there are 262,144.
fn network(number: usize) -> String {
    format!("10.{}.{}.{}/26", (number >> 10) & 0xff, (number >> 2) & 0xff, (number & 3) << 6)
}

/// A name for the rule of this number, or for one near it that is about names.
fn name(number: usize, variant: usize) -> Destination {
    let number = number / 10 * 10 + number % 7;
    host(&match number % 10 {
        0..4 => format!("host{number}.site{}.example.com", number % 997),
        4..6 => format!("www{variant}.site{number}.example.org"),
        _ => format!("prod-{variant}.site{number}.example.net"),
    })
}

fn address(number: usize, variant: usize) -> IpAddr {
    let low = u8::try_from(variant % 64).expect("it is small");
    let byte = |number: usize| u8::try_from(number & 0xff).expect("it is masked");
    IpAddr::from([10, byte(number >> 10), byte(number >> 2), (byte(number) & 3) << 6 | low])
}

fn client(number: usize) -> IpAddr {
    let byte = |number: usize| u8::try_from(number & 0xff).expect("it is masked");
    IpAddr::from([100, 64 | byte(number >> 16) & 63, byte(number >> 8), byte(number)])
}

fn host(name: &str) -> Destination {
    Destination::parse_name(name.as_bytes()).expect("it is a name")
}
