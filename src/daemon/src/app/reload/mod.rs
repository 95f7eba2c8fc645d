//! Reloads, on a thread of their own: texts to components, components to a regime, one swap, and a report.
//!
//! Each component is applied whole or stays whole as it was, and one that is wrong does not hold up the others.
//! A rehearsal stops before the regime: what would be applied is known, and nothing is.
//! Nothing here runs on the thread of the heartbeat or of a relay.

mod component;
mod counts;

use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use anyhow::Context;
use arc_swap::ArcSwap;
use config::{OnRevoke, PamService, Settings};
use jiff::Timestamp;
use monitor::link::Link;
use monitor::sealed::sealed;
use wire::{DocumentKind, Extent, Ticket, ToMonitor, Trigger};

pub(super) use self::component::Named;
use self::component::{Found, News};
pub(super) use self::counts::Counts;
use super::args::Selection;
use super::blueprint::Plan;
use super::certificate::{Certificate, OfApi, OfMetrics, Shown};
use super::delivery::Delivery;
use super::gates::Gate;
use super::regimes::{Next, Regimes};
use super::{build, pam};
use crate::engine::log::Loudness;
use crate::state::effective::Effective;
use crate::state::reloads::report::{Rehearsal, Report};
use crate::state::reloads::{Monitor, Reloads};
use crate::state::rules::Rules;
use crate::state::tokens::Tokens;
use crate::state::users::Users;

/// How long a listener that goes is still accepted on after the monitor has closed its own socket of it,
/// so that whoever had connected by then is served.
const LINGER: Duration = Duration::from_millis(100);

/// Something to reload.
#[derive(Debug)]
pub(super) struct Order {
    pub(super) purpose: Purpose,
    pub(super) extent: Extent,
    pub(super) ticket: Ticket,
    pub(super) delivery: Delivery,
}

/// What is to be done with what was delivered.
#[derive(Debug, Clone, Copy)]
pub(super) enum Purpose {
    /// Work by it, as far as it is right.
    Reload { generation: u64, trigger: Trigger },
    /// Say what that would do.
    Rehearsal,
}

/// The thread that reloads.
#[derive(Debug)]
pub(super) struct Reloader {
    orders: SyncSender<Order>,
}

/// What the worker works by, and how to make another.
#[derive(Debug)]
pub(super) struct InForce {
    pub(super) selection: Selection,
    /// Those of the start, for what cannot change while the service runs.
    pub(super) first: Settings,
    pub(super) settings: Settings,
    pub(super) users: Named<Users>,
    pub(super) rules: Named<Rules>,
    pub(super) tokens: Named<Tokens>,
    pub(super) of_api: Named<Certificate<OfApi>>,
    pub(super) of_metrics: Named<Certificate<OfMetrics>>,
    /// Those that the API goes by.
    pub(super) tokens_in_use: Arc<ArcSwap<Tokens>>,
    /// Those that the HTTP listeners show.
    pub(super) certificates_in_use: Shown,
    /// Those that the PAM helpers know.
    pub(super) pam_services: Vec<String>,
    pub(super) regimes: Regimes,
    pub(super) loudness: Loudness,
    pub(super) counts: Counts,
    /// Where reports are kept.
    pub(super) reloads: Arc<Reloads>,
    /// The configuration as it is written.
    pub(super) plan: Arc<Plan>,
    /// What operators are shown of the settings.
    pub(super) effective: Arc<ArcSwap<Effective>>,
}

/// The way of orders to the monitor.
#[derive(Debug)]
pub(super) struct Line(pub(super) Link);

impl Monitor for Line {
    fn want_reload(&self, ticket: Ticket, extent: Extent) -> bool {
        self.0.send(&ToMonitor::WantReload { ticket, extent }).is_ok()
    }

    fn want_rehearsal(&self, ticket: Ticket, extent: Extent) -> bool {
        self.0.send(&ToMonitor::WantRehearsal { ticket, extent }).is_ok()
    }

    fn replace(&self, ticket: Ticket, kind: DocumentKind, former: [u8; 32], text: &str) -> bool {
        self.hand_over(&ToMonitor::ReplaceText { ticket, kind, former }, kind, text)
    }

    fn work_by(&self, ticket: Ticket, kind: DocumentKind, text: &str) -> bool {
        self.hand_over(&ToMonitor::WorkByText { ticket, kind }, kind, text)
    }

    fn want_writable(&self, ticket: Ticket, kind: DocumentKind) -> bool {
        self.0.send(&ToMonitor::IsWritable { ticket, kind }).is_ok()
    }
}

impl Line {
    /// A text beside an order that needs one.
    fn hand_over(&self, order: &ToMonitor, kind: DocumentKind, text: &str) -> bool {
        let passed = sealed(kind.name(), text.as_bytes())
            .map_err(anyhow::Error::from)
            .and_then(|text| Ok(self.0.send_with(order, text.as_fd())?));
        passed.inspect_err(|error| tracing::warn!(%error, "a text cannot be handed to the monitor")).is_ok()
    }
}

impl Reloader {
    /// Starts the thread; its answers go over the link.
    ///
    /// # Errors
    /// The kernel gives no thread.
    pub(super) fn start(in_force: InForce, link: Link) -> anyhow::Result<Self> {
        // The monitor sends the next order only when the last one is answered.
        let (orders, received) = sync_channel(1);
        std::thread::Builder::new()
            .name("reload".to_owned())
            .spawn(move || work(in_force, &received, &link))
            .context("cannot start a thread")?;
        Ok(Self { orders })
    }

    /// Leaves an order to the thread; never waits.
    pub(super) fn order(&self, order: Order) {
        if let Err(error) = self.orders.try_send(order) {
            tracing::error!(%error, "a reload cannot be done");
        }
    }
}

fn work(mut in_force: InForce, orders: &Receiver<Order>, link: &Link) {
    while let Ok(order) = orders.recv() {
        let Order { purpose, extent, ticket, delivery } = order;
        let Purpose::Reload { generation, trigger } = purpose else {
            let texts = delivery.written();
            let rehearsal = in_force.rehearse(extent, ticket, delivery);
            let _monitor_is_gone = link.send(&ToMonitor::Rehearsed);
            in_force.reloads.note_rehearsal(rehearsal, &texts);
            continue;
        };
        let texts = delivery.written();
        let (report, leaving) = in_force.reload((generation, trigger), (extent, ticket), delivery);
        let Report { generation, .. } = report;
        let answer = ToMonitor::Reloaded { generation, taken: report.taken(), remark: report.remark() };
        // Before anybody reads of it: from now on it holds for the next worker too.
        let _monitor_is_gone = link.send(&answer);
        in_force.counts.count(&report);
        report.log();
        in_force.reloads.note(report, &texts);
        if !leaving.is_empty() {
            std::thread::sleep(LINGER);
        }
    }
}

impl InForce {
    /// Applies what can be applied; returns the gates that are not needed any more, too.
    fn reload(
        &mut self,
        (generation, trigger): (u64, Trigger),
        (extent, ticket): (Extent, Ticket),
        mut delivery: Delivery,
    ) -> (Report, Vec<Gate>) {
        let began = Instant::now();
        let mut news = self.read(&mut delivery);
        let next = self.build(&mut news, delivery, generation);
        let components = news.outcomes();
        let Established { leaving, revoked } = match next {
            Some(next) => self.establish(news, next),
            None => Established::default(),
        };
        let serving = self.regimes.world().regime().snapshot.generation;
        let (at, took) = (Timestamp::now(), began.elapsed());
        (Report { generation, serving, trigger, extent, ticket, at, took, revoked, components }, leaving)
    }

    /// What a reload would make of it, as far as that can be known without doing it.
    fn rehearse(&self, extent: Extent, ticket: Ticket, mut delivery: Delivery) -> Rehearsal {
        let began = Instant::now();
        let mut news = self.read(&mut delivery);
        news.agree(self);
        let (at, took) = (Timestamp::now(), began.elapsed());
        Rehearsal { extent, ticket, at, took, components: news.outcomes() }
    }

    fn read(&self, delivery: &mut Delivery) -> News {
        let written = delivery.take(DocumentKind::Configuration);
        let text = written.as_ref().and_then(|text| text.as_ref().ok()).map(|text| text.text.clone());
        let (configuration, loaded) = Found::configuration(self, written);
        let configuration = configuration.unless(|settings| {
            pam::suffice(&self.pam_services, settings.pam_services().iter().map(PamService::as_str))
        });
        let settings = configuration.value().unwrap_or(&self.settings);
        let users = self.users.find(settings, delivery);
        let rules = self
            .rules
            .find(settings, delivery)
            .unless(|rules| pam::suffice(&self.pam_services, rules.value.set().services().map(|(_, service)| service)))
            .unless(|rules| rules.pass(settings, &self.users.or(&users).value));
        let tokens = self.tokens.find(settings, delivery);
        let of_api = self.of_api.find(settings, delivery);
        let of_metrics = self.of_metrics.find(settings, delivery);
        News { text, configuration, loaded, users, rules, tokens, of_api, of_metrics }
    }

    /// The regime of as much of the news as a regime can be made of; nothing if there is nothing new.
    fn build(&self, news: &mut News, delivery: Delivery, generation: u64) -> Option<Next> {
        let mut sockets = delivery.listeners;
        loop {
            news.agree(self);
            if !news.is_any() {
                return None;
            }
            match self.regimes.next(&news.basis(self, generation), std::mem::take(&mut sockets)) {
                Ok(next) => return Some(next),
                Err(error) => news.blame(&error),
            }
        }
    }

    fn establish(&mut self, news: News, next: Next) -> Established {
        let leaving = self.regimes.establish(next);
        let may_revoke = news.may_revoke(self);
        news.settle(self);
        self.tokens_in_use.store(Arc::clone(&self.tokens.value));
        self.certificates_in_use.replace(&self.of_api.value, &self.of_metrics.value);
        self.loudness.set(build::log(&self.settings.logging).level);
        let revoked = match self.settings.acl.on_revoke {
            OnRevoke::Close if may_revoke => self.regimes.world().revoke(),
            OnRevoke::Close | OnRevoke::Keep => 0,
        };
        Established { leaving, revoked }
    }
}

/// What a new regime has brought about.
#[derive(Debug, Default)]
struct Established {
    /// The gates that are not needed any more.
    leaving: Vec<Gate>,
    /// How many sessions it ended.
    revoked: usize,
}
