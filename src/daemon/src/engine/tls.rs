//! TLS for whoever comes to one of our HTTP listeners: who we are, and the handshake.
//!
//! Clients show no certificate; who they are is for tokens to say.

use std::io;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// The one protocol that is spoken behind TLS (RFC 7301 §6).
const HTTP: &[u8] = b"http/1.1";

/// What a listener shows and proves.
#[derive(Debug, Clone)]
pub(crate) struct Identity(Arc<ServerConfig>);

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
        let chain = CertificateDer::pem_slice_iter(certificates).collect::<Result<Vec<_>, _>>();
        let chain = chain.map_err(NoIdentity::Certificates)?;
        if chain.is_empty() {
            return Err(NoIdentity::NoCertificate);
        }
        let key = PrivateKeyDer::from_pem_slice(key).map_err(NoIdentity::Key)?;
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth();
        let mut config = config.with_single_cert(chain, key)?;
        config.alpn_protocols = vec![HTTP.to_vec()];
        Ok(Self(Arc::new(config)))
    }

    /// The handshake, as long as it takes: whoever asks for it has a deadline.
    ///
    /// # Errors
    /// The client speaks something else, wants what we do not have, or is gone.
    pub(crate) async fn welcome<S: AsyncRead + AsyncWrite + Unpin>(&self, client: S) -> io::Result<TlsStream<S>> {
        TlsAcceptor::from(Arc::clone(&self.0)).accept(client).await
    }
}
