//! The SOCKS language without sockets: SOCKS5, SOCKS4(a), HTTP CONNECT on the same port, the UDP header, the PROXY protocol.
//!
//! Bytes come in as slices, messages go out as values, and nothing is kept in between but the stage of the conversation.
//! This crate knows nothing of sockets, clocks, users, rules or configuration; it never learns who a client is, only what it claims.
//!
//! The caller owns one buffer. It passes all bytes that are not consumed yet, and every answer says how many of them are spent:
//!
//! ```
//! use socks::{Accepted, Claim, Message, Method, Offer, Socks4, Opening, Step, Violation};
//!
//! let offer = Offer { socks5: true, socks4: Socks4::Foreign, http_connect: false, methods: vec![Method::None] };
//! let input = b"\x05\x01\x00\x05\x01\x00\x01\xc0\x00\x02\x01\x00\x50GET / HTTP/1.1\r\n";
//!
//! let Step::Identify { consumed, claim: Claim::Anonymous, claimant } = Opening::default().receive(&offer, input)? else {
//!     panic!("this client asks for no method but `none`");
//! };
//! // Whoever wants to parse a request has to show an identity first; its type is the caller's own.
//! let client: Accepted<&str> = claimant.accept("anyone");
//! assert_eq!(client.greeting().as_bytes(), b"\x05\x00");
//!
//! let (spent, request) = client.receive(&input[consumed..])?.expect("the request is complete");
//! assert_eq!(request.target.to_string(), "192.0.2.1:80");
//! // What follows the request belongs to the target.
//! assert_eq!(&input[consumed + spent..], b"GET / HTTP/1.1\r\n");
//! # Ok::<(), Violation>(())
//! ```

mod accepted;
mod address;
mod dialect;
mod escaped;
mod http;
mod message;
mod offer;
mod opening;
pub mod proxy_protocol;
mod reader;
mod socks4;
mod socks5;
pub mod udp;
mod violation;

pub use accepted::{Accepted, Command, Request};
pub use address::{Host, Name, Plainly, Target};
pub use dialect::{Dialect, Failure};
pub use escaped::Escaped;
pub use message::Message;
pub use offer::{Method, Offer, Socks4};
pub use opening::{Claim, Claimant, Opening, Password, Step};
pub use violation::{Fault, Spoke, Violation};
