//! TLS for whoever comes to one of our HTTP listeners: who we are, until when, and the handshake.
//!
//! Clients show no certificate; who they are is for tokens to say.

use std::io;
use std::sync::Arc;

use jiff::Timestamp;
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use x509_parser::time::ASN1Time;

/// The one protocol that is spoken behind TLS (RFC 7301 §6).
const HTTP: &[u8] = b"http/1.1";

/// What a listener shows and proves.
#[derive(Debug, Clone)]
pub(crate) struct Identity {
    config: Arc<ServerConfig>,
    validity: Option<Validity>,
}

/// When a chain can be shown: while each of its certificates is valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Validity {
    pub(crate) from: Timestamp,
    /// The last second of the one that ends first.
    pub(crate) until: Timestamp,
}

/// Why a listener cannot have this identity.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoIdentity {
    #[error("the certificates are not PEM: {0}")]
    Certificates(rustls::pki_types::pem::Error),
    #[error("there is no certificate in it (-----BEGIN CERTIFICATE-----)")]
    NoCertificate,
    #[error("there is no private key in it that is PEM and not encrypted: {0}")]
    Key(rustls::pki_types::pem::Error),
    #[error("certificate and key cannot be used: {0}")]
    Unusable(#[from] rustls::Error),
}

impl Identity {
    /// Reads a chain, our own certificate first, and its key, both PEM; sees to it that they belong to each other.
    ///
    /// # Errors
    /// One of them is missing or is something else, or they are of two pairs.
    pub(crate) fn read(certificates: &[u8], key: &[u8]) -> Result<Self, NoIdentity> {
        let chain = chain(certificates).map_err(NoIdentity::Certificates)?;
        if chain.is_empty() {
            return Err(NoIdentity::NoCertificate);
        }
        let validity = Validity::of_chain(&chain);
        let key = PrivateKeyDer::from_pem_slice(key).map_err(NoIdentity::Key)?;
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth();
        let mut config = config.with_single_cert(chain, key)?;
        config.alpn_protocols = vec![HTTP.to_vec()];
        Ok(Self { config: Arc::new(config), validity })
    }

    /// When clients should take it; nothing if a certificate's dates cannot be read.
    pub(crate) fn validity(&self) -> Option<Validity> {
        self.validity
    }

    /// The handshake, as long as it takes: whoever asks for it has a deadline.
    ///
    /// # Errors
    /// The client speaks something else, wants what we do not have, or is gone.
    pub(crate) async fn welcome<S: AsyncRead + AsyncWrite + Unpin>(&self, client: S) -> io::Result<TlsStream<S>> {
        TlsAcceptor::from(Arc::clone(&self.config)).accept(client).await
    }
}

impl Validity {
    /// Of the certificates in this PEM; nothing if there are none, or the dates of one cannot be read.
    pub(crate) fn of(certificates: &[u8]) -> Option<Self> {
        Self::of_chain(&chain(certificates).ok()?)
    }

    fn of_chain(chain: &[CertificateDer<'_>]) -> Option<Self> {
        let each = chain.iter().map(|certificate| Self::of_one(certificate)).collect::<Option<Vec<_>>>()?;
        each.into_iter().reduce(|one, other| Self { from: one.from.max(other.from), until: one.until.min(other.until) })
    }

    fn of_one(certificate: &[u8]) -> Option<Self> {
        let (_, certificate) = x509_parser::parse_x509_certificate(certificate).ok()?;
        let validity = certificate.validity();
        Some(Self { from: moment(validity.not_before), until: moment(validity.not_after) })
    }
}

/// A certificate that is to be valid for ever ends with the year 9999 (RFC 5280 §4.1.2.5), a little later than time does here.
fn moment(time: ASN1Time) -> Timestamp {
    Timestamp::from_second(time.timestamp()).unwrap_or(Timestamp::MAX)
}

fn chain(certificates: &[u8]) -> Result<Vec<CertificateDer<'static>>, rustls::pki_types::pem::Error> {
    CertificateDer::pem_slice_iter(certificates).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of the year 2026.
    const SHORT: &str = "-----BEGIN CERTIFICATE-----\n\
MIIBbTCCAROgAwIBAgIUdcyJVuSEhd3Wd/a4X5Dd6+tU+4IwCgYIKoZIzj0EAwIw\n\
DDEKMAgGA1UEAwwBYTAeFw0yNjAxMDEwMDAwMDBaFw0yNzAxMDEwMDAwMDBaMAwx\n\
CjAIBgNVBAMMAWEwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAAQgRVGOO3kgKh6N\n\
4CFwCvdCxOxxIBX0BoPvnrDwZhTkxlhkkL56BsfQ9kRVLr8goaEh7ygjJ0tZtzk2\n\
b7JVGZEgo1MwUTAdBgNVHQ4EFgQUkVAOw8WJb9fgYWL7oUwQV2FZXkowHwYDVR0j\n\
BBgwFoAUkVAOw8WJb9fgYWL7oUwQV2FZXkowDwYDVR0TAQH/BAUwAwEB/zAKBggq\n\
hkjOPQQDAgNIADBFAiEAjJdlZ4VtSRLtieiaaAg034RuNJl3UxyNIQxL6oFqKPkC\n\
IE9x4SzHZDidd/ocBrAKEr3klTMWXDr/lED4qyhRzb4A\n\
-----END CERTIFICATE-----\n";

    /// From February 2026 on for 9000 days, so that its end is written in another form (RFC 5280 §4.1.2.5.2).
    const LONG: &str = "-----BEGIN CERTIFICATE-----\n\
MIIBbzCCARWgAwIBAgIUUdC4jrQLc7chWL/bV4cgi2RSrVMwCgYIKoZIzj0EAwIw\n\
DDEKMAgGA1UEAwwBYjAgFw0yNjAyMDEwMDAwMDBaGA8yMDUwMDkyMzAwMDAwMFow\n\
DDEKMAgGA1UEAwwBYjBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABGsE/G4rW8++\n\
SX1xXgqmRRpApiIOgJx89crEkT7kgVGCD0rUiupk883jJr55oOCN8d+MxFN22ntB\n\
6yK9xugf2OmjUzBRMB0GA1UdDgQWBBQpB2utJno5A/IwHrd082Q8/196lTAfBgNV\n\
HSMEGDAWgBQpB2utJno5A/IwHrd082Q8/196lTAPBgNVHRMBAf8EBTADAQH/MAoG\n\
CCqGSM49BAMCA0gAMEUCIE4kBlEmLCAU4wTmFRYxy3KGEM3QKWRukKXe1TzqmNP1\n\
AiEA9D+mAUj+Md/pOyY32k4NpalBlHXcJkfgcDS775KqHBo=\n\
-----END CERTIFICATE-----\n";

    #[test]
    fn a_chain_is_valid_while_each_of_its_certificates_is() {
        let of = |pem: &str| Validity::of(pem.as_bytes()).map(|Validity { from, until }| format!("{from} to {until}"));
        for (chain, expected) in [
            (SHORT.to_owned(), Some("2026-01-01T00:00:00Z to 2027-01-01T00:00:00Z")),
            (LONG.to_owned(), Some("2026-02-01T00:00:00Z to 2050-09-23T00:00:00Z")),
            ([SHORT, LONG].concat(), Some("2026-02-01T00:00:00Z to 2027-01-01T00:00:00Z")),
            (String::new(), None),
            ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n".to_owned(), None),
        ] {
            assert_eq!(of(&chain).as_deref(), expected, "{chain}");
        }
    }
}
