//! Lets a source come again that guessed too often.

use std::net::IpAddr;
use std::time::Instant;

use super::record::Order;
use super::{Answer, Caller, No, Office};

/// Which source, and why.
#[derive(Debug)]
pub(crate) struct Forgive {
    /// Any address of it.
    pub(crate) address: IpAddr,
    pub(crate) reason: Option<String>,
    pub(crate) idem: Option<String>,
}

impl Office {
    pub(super) fn forgive(&self, caller: &Caller, forgive: &Forgive) -> Result<Answer, No> {
        let Forgive { address, reason, idem } = forgive;
        let source = self.world.regime().snapshot.penalties.caller(Some(*address)).source;
        let shown = source.to_string();
        let order = Order {
            op: "auth.unban",
            target: shown.as_str().into(),
            comment: reason.as_deref(),
            idem: idem.as_deref(),
            ..Order::default()
        };
        let deed = || Ok(self.world.penalties.forgive(source, Instant::now()));
        let words = |owed: &bool| if *owed { "may come again" } else { "owed nothing" }.to_owned();
        let done = self.on_record(caller, &order, deed, words)?;
        Ok(Answer::Forgiven { source: shown, forgiven: done.outcome, audit: done.audit })
    }
}
