//! Whether everything can be worked by that a configuration names, as the start and `rustsocks check` want to know it.

use std::sync::Arc;

use config::Settings;
use wire::DocumentKind;

use super::acl::test;
use super::certificate::{Certificate, Listening, OfApi, OfMetrics};
use super::configuration;
use super::delivery::Text;
use crate::state::rules::Rules;

/// Returns the rules, which name further things.
///
/// # Errors
/// What is wrong with one of the texts, or every test that the rules fail.
pub(super) fn check(settings: &Settings, texts: &[(DocumentKind, Text)]) -> anyhow::Result<Arc<Rules>> {
    let text = |kind| texts.iter().find(|(found, _)| *found == kind).map(|(_, text)| text);
    let users = Arc::new(configuration::users(settings, text(DocumentKind::Users))?);
    configuration::tokens(settings, text(DocumentKind::Tokens))?;
    Certificate::<OfApi>::read(settings, text(OfApi::CERTIFICATE), text(OfApi::KEY))?;
    Certificate::<OfMetrics>::read(settings, text(OfMetrics::CERTIFICATE), text(OfMetrics::KEY))?;
    let rules = Arc::new(configuration::rules(settings, text(DocumentKind::Rules))?);
    test::verify(settings, &rules, &users, text(DocumentKind::RuleTests))?;
    Ok(rules)
}
