//! A host name as a client sends it: canonical once, canonical for ever, and never an address in disguise.
#![no_main]

use acl::Destination;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(Destination::Name(name)) = Destination::parse_name(bytes) else { return };
    assert_eq!(Destination::parse_name(name.as_str().as_bytes()), Ok(Destination::Name(name.clone())));
    assert!(name.as_str().parse::<std::net::IpAddr>().is_err());
});
