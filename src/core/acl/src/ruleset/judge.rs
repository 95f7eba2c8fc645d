//! The decision itself. Whoever wants to know why hands a watch in; the steps are the same.

use crate::decision::{Decision, RuleId};
use crate::guard::{Guard, Verdict};
use crate::policy::Action;
use crate::realm::Realm;
use crate::request::{Request, Target};
use crate::ruleset::Ruleset;
use crate::ruleset::entry::{Entry, Finding, Internal, Miss};
use crate::ruleset::reached::{Halves, Way, reached};
use crate::ruleset::shelves::{Book, OwnerId, Stretch};
use crate::ruleset::tally::Tally;

/// Sees every rule whose destination is meant, and what the rule says.
pub(crate) trait Watch {
    /// Whether rules are of interest that cannot fit for their sources or ports.
    const IS_CURIOUS: bool;

    /// `destination` counts from 0 in the rule.
    fn saw(&mut self, rule: RuleId, destination: u32, finding: Finding);
}

/// Nobody wants to know.
impl Watch for () {
    const IS_CURIOUS: bool = false;

    fn saw(&mut self, _: RuleId, _: u32, _: Finding) {}
}

impl Ruleset {
    /// Decides a request of a client for whom these owners' rules hold.
    pub(crate) fn judge(
        &self,
        owners: &[OwnerId],
        request: &Request<'_>,
        guard: &Guard,
        watch: &mut impl Watch,
    ) -> Decision {
        let address = request.target.address();
        if let Some(address) = address
            && let Verdict::Blocked(reason) = guard.judge(address, request.port)
        {
            return Decision::guarded(reason);
        }
        let mut hearing = Hearing { rules: self, request, tally: Tally::default(), watch };
        let halves = address.map(Halves::of);
        hearing.hear_broad(owners, halves);
        if let Some(name) = request.target.name() {
            self.names.look_up(name, |atom| hearing.hear_all(self.shelves.stretches(atom, owners), Way::Named));
        }
        for (address, way) in address.into_iter().flat_map(reached) {
            for atom in self.networks.look_up(address) {
                hearing.hear_all(self.shelves.stretches(atom, owners), way);
            }
        }
        match address {
            Some(_) => hearing.tally.conclude(self.policy.default),
            None => hearing.tally.conclude_for_name(self.policy.default, || self.may_reach(owners, request)),
        }
    }

    /// Whether a rule might allow the request by some address.
    fn may_reach(&self, owners: &[OwnerId], request: &Request<'_>) -> bool {
        let reaches = owners.iter().filter_map(|OwnerId(owner)| self.owners[*owner as usize].reach.as_ref());
        reaches.into_iter().any(|reach| reach.admits(request.port, request.command))
    }
}

/// One request before the rules.
struct Hearing<'h, W> {
    rules: &'h Ruleset,
    request: &'h Request<'h>,
    tally: Tally,
    watch: &'h mut W,
}

impl<W: Watch> Hearing<'_, W> {
    fn hear_broad(&mut self, owners: &[OwnerId], halves: Option<Halves>) {
        for OwnerId(owner) in owners {
            let owner = &self.rules.owners[*owner as usize];
            self.hear(owner.anything, Way::Named);
            if let Some(halves) = halves {
                for (realm, stretch) in [(Realm::Public, owner.public), (Realm::Private, owner.private)] {
                    halves.way_to(realm).into_iter().for_each(|way| self.hear(stretch, way));
                }
            }
        }
    }

    fn hear_all(&mut self, stretches: impl Iterator<Item = Stretch>, way: Way) {
        stretches.for_each(|stretch| self.hear(stretch, way));
    }

    fn hear(&mut self, stretch: Stretch, way: Way) {
        let shelves = &self.rules.shelves;
        let books = shelves.within(stretch);
        match shelves.crowd(stretch).filter(|_| !W::IS_CURIOUS) {
            None => books.iter().for_each(|book| self.hear_book(*book, way)),
            Some(crowd) => crowd.look_up(self.request.source, self.request.port, |position| {
                self.hear_book(books[position as usize], way);
            }),
        }
    }

    fn hear_book(&mut self, book: Book, way: Way) {
        let entry = &self.rules.entries[book.rule.index()];
        let finding = self.examine(entry, way);
        self.watch.saw(book.rule, book.destination, finding);
        self.tally.count(entry, finding);
    }

    fn examine(&self, entry: &Entry, way: Way) -> Finding {
        if entry.action == Action::Allow {
            match way {
                Way::Carried => return Finding::Misses(Miss::Destination),
                Way::Named if !self.admits_by_name(entry.internal) => return Finding::Misses(Miss::Internal),
                Way::Named | Way::Reached => {}
            }
        }
        entry.examine(self.request)
    }

    /// Whether the rule admits the address, if there is one already, although no rule names it as an address.
    fn admits_by_name(&self, internal: Internal) -> bool {
        let asked_as_address = matches!(self.request.target, Target::Address(_));
        match internal {
            Internal::Admitted => true,
            Internal::AskedAsAddress if asked_as_address => true,
            Internal::AskedAsAddress | Internal::Denied => {
                self.request.target.address().map(Halves::of).is_none_or(|halves| !halves.has_private)
            }
        }
    }
}
