//! Whether names are resolved, and how long that takes, by the resolver that the daemon would use.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use acl::Destination;
use config::Resolver;

use super::args::Target;
use super::finding::{Finding, Remedy};
use super::patient::Patient;
use crate::app::build;
use crate::engine::dial::Dialer;
use crate::engine::dial::lookups::Lookups;
use crate::state::metrics::Metrics;
use crate::state::session::refusal::Refusal;

/// Every first connection to a name waits so long; more is felt.
const SLOW: Duration = Duration::from_millis(500);

/// What the resolver said.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) addresses: Result<Vec<IpAddr>, String>,
    took: Duration,
}

pub(super) fn look_up(patient: &Patient<'_>, target: &Target) -> Found {
    let began = Instant::now();
    let addresses = asked(patient, target);
    Found { addresses, took: began.elapsed() }
}

fn asked(patient: &Patient<'_>, target: &Target) -> Result<Vec<IpAddr>, String> {
    let name = match &target.host {
        Destination::Address(address) => return Ok(vec![*address]),
        Destination::Name(name) => name,
    };
    let settings = patient.settings();
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| error.to_string())?;
    let lookups = Lookups::new(&Metrics::default());
    runtime.block_on(async {
        let dialer = Dialer::new(build::dialing(settings), lookups).map_err(|error| error.to_string())?;
        let answer = tokio::time::timeout(settings.timeouts.connect, dialer.look_up(name)).await;
        match answer {
            Ok(Ok(addresses)) => Ok(addresses),
            Ok(Err(Refusal::NameNotFound)) => Ok(Vec::new()),
            Ok(Err(_)) => Err("no name server gives an answer".to_owned()),
            Err(_) => Err(format!("no answer within timeouts.connect_secs ({:?})", settings.timeouts.connect)),
        }
    })
}

pub(super) fn examine(patient: &Patient<'_>, target: &Target, found: &Found) -> Vec<Finding> {
    let finding = match &found.addresses {
        Ok(addresses) if addresses.is_empty() => {
            return vec![Finding::warning(format!(
                "the name servers answer that {target} has no address; name a --target that has one"
            ))];
        }
        Err(why) => Finding::problem(format!("{target}: {why}")),
        Ok(_) if found.took > SLOW => {
            let took = found.took;
            Finding::warning(format!(
                "{target} was resolved after {took:.1?}: a name server that answers late or never comes first"
            ))
        }
        Ok(addresses) => {
            let (count, took) = (addresses.len(), found.took);
            return vec![Finding::fine(format!("{target} was resolved after {took:.1?} to {count} addresses"))];
        }
    };
    let dns = &patient.settings().dns;
    vec![match dns.resolver {
        Resolver::Hickory => {
            finding.with(Remedy::of_file(&dns.resolv_conf, "nameserver ADDRESS of one that answers, as the first"))
        }
        Resolver::System => finding.with(patient.change("dns.resolver", "\"hickory\"")),
    }]
}
