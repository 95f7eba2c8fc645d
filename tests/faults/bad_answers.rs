//! Name servers that lie: forged, circular, endless and garbled answers lead nowhere, and soon.

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use rig::liar::{Liar, Question, Transport};
use rig::service::Service;
use rig::socks5::{CONNECT, greeted, rep};
use rig::target::{Target, Vacant, echo};
use rig::usage::own_memory;
use rig::visitor::visit;

use crate::start;

const BOUNDED: Duration = Duration::from_secs(12);

/// As many as fit into a message over TCP.
const MANY: u16 = 4_000;

#[test]
fn an_answer_with_a_wrong_number_is_not_believed() {
    let decoy = Target::listen_on(Ipv4Addr::new(127, 0, 0, 66).into());
    let port = decoy.addr().port();
    let truth = Target::listen();
    let lying = |question: &Question| {
        let forged = (1..200).map(|step| question.numbered(question.id.wrapping_add(step)));
        let mut messages: Vec<_> = forged.map(|forged| forged.addresses(&[Ipv4Addr::new(127, 0, 0, 66)])).collect();
        if question.name == "true.test" {
            messages.push(question.addresses(&[Ipv4Addr::LOCALHOST]));
        }
        messages
    };
    let (service, _liar) = lied_to(lying);
    assert_eq!(ask(&service, "true.test", truth.addr().port()), rep::SUCCEEDED);
    assert_eq!(ask(&service, "forged.test", port), rep::HOST_UNREACHABLE);
    assert!(decoy.is_left_alone_for(Duration::from_millis(50)), "a forged answer was believed");
}

#[test]
fn aliases_in_a_circle_lead_nowhere() {
    let (service, _liar) = lied_to(|question| {
        let next = if question.name == "a.test" { "b.test" } else { "a.test" };
        vec![question.alias(next)]
    });
    assert_eq!(ask(&service, "a.test", 80), rep::HOST_UNREACHABLE);
}

#[test]
fn an_endless_chain_of_aliases_leads_nowhere() {
    let (service, _liar) = lied_to(|question| {
        let number: u32 = question.name.trim_end_matches(".test").parse().unwrap_or_default();
        vec![question.alias(&format!("{}.test", number + 1))]
    });
    assert_eq!(ask(&service, "1.test", 80), rep::HOST_UNREACHABLE);
}

/// Thousands of addresses, at none of which somebody listens: the request is over long before all were tried.
#[test]
fn thousands_of_addresses_cost_neither_time_nor_memory() {
    let (service, _liar) = lied_to(|question| match question.transport {
        Transport::Udp => vec![question.truncated()],
        Transport::Tcp => vec![question.addresses(&crowd())],
    });
    let nobody = Vacant::port();
    let worker = service.worker_pid();
    let before = own_memory(worker);
    assert_eq!(ask(&service, "crowd.test", nobody.addr().port()), rep::REFUSED);
    let grown = own_memory(worker).saturating_sub(before);
    assert!(grown < 8 << 20, "{MANY} addresses cost {grown} bytes");
}

#[test]
fn garbled_answers_are_no_answers() {
    let garbled: [fn(&Question) -> Vec<u8>; 5] = [
        |_| Vec::new(),
        |question| question.addresses(&[Ipv4Addr::LOCALHOST])[..11].to_vec(),
        |question| {
            let whole = question.addresses(&[Ipv4Addr::LOCALHOST; 3]);
            whole[..whole.len() - 7].to_vec()
        },
        |question| [&question.id.to_be_bytes()[..], &[0xff; 500]].concat(),
        // RFC 1035 §4.1.4: a pointer to itself, in the question's place.
        |question| [&question.addresses(&[])[..12], &[0xC0, 12, 0, 1, 0, 1]].concat(),
    ];
    for (number, garble) in (0..).zip(garbled) {
        let (service, _liar) = lied_to(move |question| vec![garble(question)]);
        assert_eq!(ask(&service, "garbled.test", 80), rep::HOST_UNREACHABLE, "garbled in way {number}");
        let target = Target::listen().serve(echo);
        visit(service.addr(), target, b"by address").expect("addresses need no server");
    }
}

fn lied_to(lie: impl Fn(&Question) -> Vec<Vec<u8>> + Send + Sync + 'static) -> (Service, Liar) {
    let liar = Liar::serve(lie);
    (start(&[&liar.settings(), "timeout_secs = 1\nattempts = 2\n"].concat()), liar)
}

/// The reply to a request for this name, which comes in time.
fn ask(service: &Service, name: &str, port: u16) -> u8 {
    let asked = Instant::now();
    let code = greeted(service.addr()).ask(CONNECT, (name, port)).code;
    let taken = asked.elapsed();
    assert!(taken < BOUNDED, "{name} took {taken:?}");
    code
}

/// 127.9.0.0 and those that follow.
fn crowd() -> Vec<Ipv4Addr> {
    let member = |number: u16| {
        let [high, low] = number.to_be_bytes();
        Ipv4Addr::new(127, 9, high, low)
    };
    (0..MANY).map(member).collect()
}
