//! Where the operator's files are written: a bench for each.

use std::path::Path;

use super::bench::{Bench, Pending};
use super::store::Store;
use super::whatif::Shelf;

#[derive(Debug)]
pub(crate) struct Workshop {
    acl: Bench,
    users: Bench,
    config: Bench,
    /// What other rules would change for live sessions, as it was worked out last.
    pub(super) affected: Shelf,
}

impl Workshop {
    /// A workshop with what was kept in this directory; without one, what is written is kept as long as the process.
    pub(crate) fn new(directory: Option<&Path>) -> Self {
        let within = |store: Store| directory.map(|directory| directory.join(store.word()));
        Self {
            acl: Bench::new(Store::Acl, directory.map(Path::to_owned)),
            users: Bench::new(Store::Users, within(Store::Users)),
            config: Bench::new(Store::Config, within(Store::Config)),
            affected: Shelf::default(),
        }
    }

    /// What waits to be confirmed, of each file.
    pub(in crate::frontends::office) fn pending(&self) -> impl Iterator<Item = (Store, Pending)> {
        Store::ALL.into_iter().filter_map(|store| Some((store, self.bench(store).pending()?)))
    }

    pub(super) fn bench(&self, store: Store) -> &Bench {
        match store {
            Store::Acl => &self.acl,
            Store::Users => &self.users,
            Store::Config => &self.config,
        }
    }
}
