//! The certificates of the HTTP listeners: which files they are in, and what is made of these.

use std::fmt::Debug;
use std::marker::PhantomData;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context;
use arc_swap::ArcSwapOption;
use config::Settings;
use wire::DocumentKind;

use super::delivery::Text;
use crate::engine::tls::Identity;
use crate::state::metrics::Metrics;

/// A listener that may have a certificate.
pub(super) trait Listening: Debug + 'static {
    const CERTIFICATE: DocumentKind;
    const KEY: DocumentKind;

    /// What it speaks TLS with, if it is there and does.
    fn files(settings: &Settings) -> Option<Files>;
}

/// Where a certificate is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Files {
    pub(super) certificate: PathBuf,
    pub(super) key: PathBuf,
}

#[derive(Debug)]
pub(super) enum OfApi {}

#[derive(Debug)]
pub(super) enum OfMetrics {}

/// What one listener shows its clients; nothing if it does not speak TLS.
#[derive(Debug)]
pub(super) struct Certificate<L> {
    identity: Option<Arc<Identity>>,
    listener: PhantomData<L>,
}

/// What the listeners show now.
#[derive(Debug, Clone)]
pub(super) struct Shown {
    pub(super) api: Arc<ArcSwapOption<Identity>>,
    pub(super) metrics: Arc<ArcSwapOption<Identity>>,
}

impl Shown {
    pub(super) fn first(api: &Certificate<OfApi>, metrics: &Certificate<OfMetrics>) -> Self {
        Self { api: Arc::new(api.shown().into()), metrics: Arc::new(metrics.shown().into()) }
    }

    pub(super) fn replace(&self, api: &Certificate<OfApi>, metrics: &Certificate<OfMetrics>) {
        self.api.store(api.shown());
        self.metrics.store(metrics.shown());
    }

    /// Lets each scrape see how long they are valid.
    pub(super) fn follow(&self, metrics: &Metrics) {
        let gauges = metrics.gauges(
            "rustsocks_tls_certificate_expiry_timestamp_seconds",
            "When the first certificate of an HTTP listener's chain expires.",
            &["listener"],
        );
        let shown = self.clone();
        metrics.before_each_scrape(move || {
            for (listener, identity) in [("api", &shown.api), ("metrics", &shown.metrics)] {
                match identity.load().as_ref().and_then(|identity| identity.validity()) {
                    Some(validity) => gauges.with_label_values(&[listener]).set(validity.until.as_second()),
                    None => {
                        let _was_not_there = gauges.remove_label_values(&[listener]);
                    }
                }
            }
        });
    }
}

impl Listening for OfApi {
    const CERTIFICATE: DocumentKind = DocumentKind::ApiCertificate;
    const KEY: DocumentKind = DocumentKind::ApiKey;

    fn files(settings: &Settings) -> Option<Files> {
        let config::Api { enabled, tls_cert, tls_key, .. } = &settings.api;
        Files::of(tls_cert.as_ref(), tls_key.as_ref()).filter(|_| *enabled)
    }
}

impl Listening for OfMetrics {
    const CERTIFICATE: DocumentKind = DocumentKind::MetricsCertificate;
    const KEY: DocumentKind = DocumentKind::MetricsKey;

    fn files(settings: &Settings) -> Option<Files> {
        let config::Metrics { enabled, tls_cert, tls_key, .. } = &settings.metrics;
        Files::of(tls_cert.as_ref(), tls_key.as_ref()).filter(|_| *enabled)
    }
}

impl Files {
    fn of(certificate: Option<&PathBuf>, key: Option<&PathBuf>) -> Option<Self> {
        Some(Self { certificate: certificate?.clone(), key: key?.clone() })
    }
}

impl<L: Listening> Certificate<L> {
    /// # Errors
    /// One of the texts is missing, or they are not what they should be, or do not belong to each other.
    pub(super) fn read(settings: &Settings, certificate: Option<&Text>, key: Option<&Text>) -> anyhow::Result<Self> {
        let identity = L::files(settings).map(|files| identity(&files, certificate, key)).transpose()?;
        Ok(Self { identity: identity.map(Arc::new), listener: PhantomData })
    }

    fn shown(&self) -> Option<Arc<Identity>> {
        self.identity.clone()
    }
}

fn identity(files: &Files, certificate: Option<&Text>, key: Option<&Text>) -> anyhow::Result<Identity> {
    let Files { certificate: of_certificate, key: of_key } = files;
    let text = |text: Option<&Text>| text.map(|text| text.text.as_bytes().to_vec()).context("there is no text of it");
    Identity::read(&text(certificate)?, &text(key)?)
        .with_context(|| format!("cannot use {} with {}", of_certificate.display(), of_key.display()))
}
