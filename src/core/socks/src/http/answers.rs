//! Every answer to an HTTP CONNECT, word for word.
//!
//! Knows nothing of when they are due, but for which failure each one stands. All but the first announce the close that follows.

use crate::dialect::Failure;

pub(crate) fn failed(failure: Failure) -> &'static [u8] {
    match failure {
        Failure::General => INTERNAL_ERROR,
        Failure::NotAllowed => FORBIDDEN,
        Failure::NetworkUnreachable => NETWORK_UNREACHABLE,
        Failure::HostUnreachable => HOST_UNREACHABLE,
        Failure::ConnectionRefused => CONNECTION_REFUSED,
        Failure::TtlExpired => GATEWAY_TIMEOUT,
        Failure::CommandNotSupported => COMMAND_NOT_IMPLEMENTED,
        Failure::AddressTypeNotSupported => ADDRESS_NOT_IMPLEMENTED,
    }
}

/// A status line, further fields, the length of the body in bytes with its line end, and the body: one line for a person.
macro_rules! answer {
    ($status:literal, $fields:literal, $length:literal, $body:literal) => {
        concat!(
            "HTTP/1.1 ",
            $status,
            "\r\n",
            $fields,
            "Content-Type: text/plain\r\nContent-Length: ",
            $length,
            "\r\nConnection: close\r\n\r\n",
            $body,
            "\n",
        )
        .as_bytes()
    };
}

pub(crate) const ESTABLISHED: &[u8] = b"HTTP/1.1 200 Connection established\r\n\r\n";

pub(crate) const BAD_REQUEST: &[u8] = answer!("400 Bad Request", "", 43, "this port takes CONNECT host:port HTTP/1.1");
const FORBIDDEN: &[u8] = answer!("403 Forbidden", "", 30, "the proxy does not allow this");
pub(crate) const METHOD_NOT_ALLOWED: &[u8] = answer!(
    "405 Method Not Allowed",
    "Allow: CONNECT\r\n",
    67,
    "this is the port of a SOCKS and CONNECT proxy, not of a web server"
);
pub(crate) const AUTHENTICATION_REQUIRED: &[u8] = answer!(
    "407 Proxy Authentication Required",
    "Proxy-Authenticate: Basic realm=\"rustsocks\"\r\n",
    46,
    "the proxy requires a user name and a password"
);
pub(crate) const HEAD_TOO_LARGE: &[u8] =
    answer!("431 Request Header Fields Too Large", "", 45, "the head of the request is longer than 8 KiB");
const INTERNAL_ERROR: &[u8] = answer!("500 Internal Server Error", "", 17, "the proxy failed");
const COMMAND_NOT_IMPLEMENTED: &[u8] = answer!("501 Not Implemented", "", 24, "CONNECT is switched off");
const ADDRESS_NOT_IMPLEMENTED: &[u8] =
    answer!("501 Not Implemented", "", 48, "the proxy does not support this kind of address");
const NETWORK_UNREACHABLE: &[u8] = answer!("502 Bad Gateway", "", 41, "the network of the target is unreachable");
const HOST_UNREACHABLE: &[u8] =
    answer!("502 Bad Gateway", "", 53, "the target is unreachable or its name does not exist");
const CONNECTION_REFUSED: &[u8] = answer!("502 Bad Gateway", "", 34, "the target refused the connection");
const GATEWAY_TIMEOUT: &[u8] = answer!("504 Gateway Timeout", "", 34, "the target did not answer in time");
pub(crate) const VERSION_NOT_SUPPORTED: &[u8] =
    answer!("505 HTTP Version Not Supported", "", 38, "this port takes HTTP/1.1 and HTTP/1.0");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_refusal_announces_its_length_and_the_close() {
        for answer in REFUSALS {
            let text = str::from_utf8(answer).unwrap();
            let (head, body) = text.split_once("\r\n\r\n").unwrap();
            let fields: Vec<&str> = head.split("\r\n").collect();
            assert!(fields.contains(&format!("Content-Length: {}", body.len()).as_str()), "{text}");
            assert!(fields.contains(&"Connection: close"), "{text}");
            assert_eq!(body.find('\n'), Some(body.len() - 1), "{text}");
        }
    }

    const REFUSALS: [&[u8]; 13] = [
        BAD_REQUEST,
        FORBIDDEN,
        METHOD_NOT_ALLOWED,
        AUTHENTICATION_REQUIRED,
        HEAD_TOO_LARGE,
        INTERNAL_ERROR,
        COMMAND_NOT_IMPLEMENTED,
        ADDRESS_NOT_IMPLEMENTED,
        NETWORK_UNREACHABLE,
        HOST_UNREACHABLE,
        CONNECTION_REFUSED,
        GATEWAY_TIMEOUT,
        VERSION_NOT_SUPPORTED,
    ];
}
