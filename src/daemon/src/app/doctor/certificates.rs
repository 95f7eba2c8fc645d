//! Until when clients of the HTTP listeners take their certificates.

use jiff::{SignedDuration, Timestamp};
use wire::DocumentKind;

use super::finding::{Finding, Remedy, Severity};
use super::patient::Patient;
use crate::app::configuration;
use crate::engine::tls::Validity;

/// Whoever renews certificates by a program does so earlier. The alert that ships waits as long.
const SOON: SignedDuration = SignedDuration::from_hours(14 * 24);

pub(super) fn examine(patient: &Patient<'_>) -> Vec<Finding> {
    let now = Timestamp::now();
    let named = configuration::named(patient.settings()).filter_map(|(kind, path)| Some((key(kind)?, kind, path)));
    named
        .filter_map(|(key, kind, path)| {
            // One that cannot be read is told with the files.
            let text = configuration::read_named(kind, &path).ok()?;
            let remedy = Remedy::of_file(&path, "renew it, then: rustsocks-cli reload");
            let found = finding(key, Validity::of(text.as_bytes()), now);
            Some(if found.severity == Severity::Fine { found } else { found.with(remedy) })
        })
        .collect()
}

fn key(kind: DocumentKind) -> Option<&'static str> {
    match kind {
        DocumentKind::ApiCertificate => Some("api.tls_cert"),
        DocumentKind::MetricsCertificate => Some("metrics.tls_cert"),
        DocumentKind::Configuration
        | DocumentKind::FirstConfiguration
        | DocumentKind::Users
        | DocumentKind::Rules
        | DocumentKind::RuleTests
        | DocumentKind::Tokens
        | DocumentKind::ApiKey
        | DocumentKind::MetricsKey => None,
    }
}

fn finding(key: &str, validity: Option<Validity>, now: Timestamp) -> Finding {
    let Some(Validity { from, until }) = validity else {
        return Finding::warning(format!("{key}: until when it is valid cannot be read"));
    };
    if now < from {
        Finding::problem(format!("{key}: it is valid from {from:.0} on, and it is {now:.0}"))
    } else if until < now {
        Finding::problem(format!("{key}: it expired at {until:.0}"))
    } else if until.duration_since(now) < SOON {
        Finding::warning(format!("{key}: it expires at {until:.0}"))
    } else {
        Finding::fine(format!("{key}: it is valid until {until:.0}"))
    }
}
