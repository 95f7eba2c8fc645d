//! The resolver of the C library. Only this host's own names are certain to exist.

use super::*;
use crate::engine::dial::resolve::{Family, Resolve};
use crate::engine::dial::system::System;

#[tokio::test]
async fn the_system_knows_localhost_by_family() {
    let system = System::new(2).unwrap();
    let v4 = system.addresses(&name("localhost"), Family::V4).await.unwrap();
    assert_eq!(*v4.addresses, [ip("127.0.0.1")]);
    assert_eq!(v4.ttl, Duration::ZERO);
    if let Ok(v6) = system.addresses(&name("localhost"), Family::V6).await {
        assert!(v6.addresses.iter().all(IpAddr::is_ipv6));
    }
}

#[tokio::test]
async fn the_system_names_loopback() {
    let system = System::new(1).unwrap();
    assert!(system.name_of(ip("127.0.0.1")).await.unwrap().starts_with("localhost"));
}

#[tokio::test]
async fn many_who_ask_at_once_are_all_answered() {
    let options = Options { naming: naming(Source::System { threads: 1 }), ..plain() };
    let dialer = Arc::new(dialer(options));
    let mut asking = tokio::task::JoinSet::new();
    // More than the queue of one thread has places.
    for _ in 0..200 {
        let (dialer, ticket) = (Arc::clone(&dialer), anywhere());
        asking.spawn(async move { resolved(&dialer, &ticket, &name("localhost")).await.unwrap() });
    }
    let answers = asking.join_all().await;
    assert!(answers.iter().all(|answer| answer.contains(&ip("127.0.0.1"))));
}
