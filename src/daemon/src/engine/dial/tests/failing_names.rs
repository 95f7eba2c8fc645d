//! Name servers that fail, and what the client is told.

use std::time::{Duration, Instant};

use hickory_resolver::proto::op::ResponseCode;

use super::server::{Reply, Server, addresses};
use super::*;
use crate::state::session::refusal::Refusal;

#[tokio::test]
async fn a_name_without_addresses_is_not_found() {
    check(Reply::Code(ResponseCode::NXDomain), Reply::Code(ResponseCode::NXDomain), Err(Refusal::NameNotFound)).await;
    check(addresses([]), addresses([]), Err(Refusal::NameNotFound)).await;
}

#[tokio::test]
async fn a_failing_server_is_a_failure_unless_one_family_is_found() {
    let failure = || Reply::Code(ResponseCode::ServFail);
    check(failure(), failure(), Err(Refusal::ResolverFailed)).await;
    check(failure(), addresses([]), Err(Refusal::ResolverFailed)).await;
    check(addresses(["192.0.2.1"]), failure(), Ok("192.0.2.1")).await;
    check(failure(), addresses(["2001:db8::1"]), Ok("2001:db8::1")).await;
    check(Reply::Code(ResponseCode::Refused), Reply::Code(ResponseCode::Refused), Err(Refusal::ResolverFailed)).await;
}

#[tokio::test]
async fn one_silent_family_does_not_take_the_other_along() {
    check(addresses(["192.0.2.1"]), Reply::Silence, Ok("192.0.2.1")).await;
    check(Reply::Silence, addresses(["2001:db8::1"]), Ok("2001:db8::1")).await;
    check(Reply::Silence, addresses([]), Err(Refusal::ResolverFailed)).await;
}

#[tokio::test]
async fn an_alias_that_leads_back_to_itself_ends() {
    let alias = || Reply::Alias("www.example.");
    let server = Server::with("www.example", alias(), alias()).await;
    let dialer = dialer(server.files.options(server.port()));
    let outcome = resolved(&dialer, &anywhere(), &name("www.example")).await;
    assert!(matches!(outcome.unwrap_err(), Refusal::ResolverFailed | Refusal::NameNotFound));
}

#[tokio::test]
async fn the_budget_ends_the_wait_for_silent_servers() {
    let server = Server::with("www.example", Reply::Silence, Reply::Silence).await;
    let (budget, began) = (Duration::from_millis(200), Instant::now());
    let ticket = session(budget, &[]);
    let dialer = dialer(server.files.options(server.port()));
    let outcome = resolved(&dialer, &ticket, &name("www.example")).await;
    assert_eq!(outcome.unwrap_err(), Refusal::TimedOut);
    assert!(began.elapsed() >= budget);
    assert!(ticket.session().facts().phases.dns.is_some_and(|spent| spent >= budget));
}

#[tokio::test]
async fn without_name_servers_only_the_hosts_file_answers() {
    for resolv_conf in ["", "# nothing\n", "nameserver nonsense\n"] {
        let files = Files::new(resolv_conf, "192.0.2.7 db.example\n");
        check_without_servers(&files).await;
    }
    let files = Files::new("", "192.0.2.7 db.example\n");
    std::fs::remove_file(files.0.path().join("resolv.conf")).unwrap();
    check_without_servers(&files).await;
}

/// Fails at once, and nobody on the network is asked.
async fn check_without_servers(files: &Files) {
    let (dialer, ticket, began) = (dialer(files.options(53)), anywhere(), Instant::now());
    let outcome = resolved(&dialer, &ticket, &name("www.example")).await;
    assert_eq!(outcome.unwrap_err(), Refusal::ResolverFailed);
    assert!(began.elapsed() < Duration::from_secs(1));
    let found = resolved(&dialer, &ticket, &name("db.example")).await.unwrap();
    assert_eq!(*found, [ip("192.0.2.7")]);
}

async fn check(a: Reply, aaaa: Reply, expected: Result<&str, Refusal>) {
    let case = format!("A {a:?}, AAAA {aaaa:?}");
    let server = Server::with("www.example", a, aaaa).await;
    let dialer = dialer(server.files.options(server.port()));
    let found = resolved(&dialer, &anywhere(), &name("www.example")).await;
    assert_eq!(found.map(|found| found.to_vec()), expected.map(|address| vec![ip(address)]), "{case}");
}
