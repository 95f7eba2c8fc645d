//! Tells the quotas what other processes have written of their users: those that lived before, and those that live beside.

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use rusqlite::Connection;

use super::spool::directory::SpoolNumber;
use super::store::fault::Fault;
use super::store::usage::of_others;
use crate::state::limits::quotas::Quotas;

/// However often others write, it reads no more often than this.
const PACE: Duration = Duration::from_secs(2);

/// As long as they have heard nothing, or nobody knows whether there are any, it looks this often: the start waits for that.
const FIRST: Duration = Duration::from_millis(10);

/// The spool of no process: everything is of others.
const NOBODY: SpoolNumber = SpoolNumber::MAX;

/// Reads for one spool's process.
#[derive(Debug)]
pub(super) struct Usage {
    quotas: Arc<Quotas>,
    told: Option<Told>,
}

/// What was told the last time.
#[derive(Debug)]
struct Told {
    at: Instant,
    since: i64,
    /// It changes when another connection writes (PRAGMA `data_version`).
    version: i64,
}

impl Usage {
    pub(super) fn new(quotas: Arc<Quotas>) -> Self {
        Self { quotas, told: None }
    }

    /// How long the quotas may wait for the next look; for ever if there are none.
    pub(super) fn patience(&self) -> Duration {
        let is_wanted = self.quotas.matters_since(Timestamp::now()).is_some();
        match (is_wanted, &self.told) {
            (true, Some(_)) => PACE,
            (true, None) => FIRST,
            (false, _) if !self.quotas.is_in_force() => FIRST,
            (false, _) => Duration::MAX,
        }
    }

    /// Another file is open, or other rows are of others.
    pub(super) fn forget(&mut self) {
        self.told = None;
    }

    /// Tells what is written before all of it is, unless that was told: better than nothing for whoever cannot wait for the rest.
    pub(super) fn glance(&mut self, connection: &Connection) -> Result<(), Fault> {
        if self.told.is_none() { self.tell(connection, NOBODY) } else { Ok(()) }
    }

    /// Tells what is new, if anything is and somebody wants to know; to be asked when nothing more of others is in the spool.
    pub(super) fn look(&mut self, connection: &Connection, spool: SpoolNumber) -> Result<(), Fault> {
        self.tell(connection, spool)?;
        if self.told.is_some() {
            self.quotas.learnt_all();
        }
        Ok(())
    }

    fn tell(&mut self, connection: &Connection, spool: SpoolNumber) -> Result<(), Fault> {
        let Some(since) = self.quotas.matters_since(Timestamp::now()) else { return Ok(()) };
        let is_early = |told: &Told| told.since <= since && told.at.elapsed() < PACE;
        if self.told.as_ref().is_some_and(is_early) {
            return Ok(());
        }
        let version = connection.pragma_query_value(None, "data_version", |row| row.get(0))?;
        if let Some(told) = self.told.as_mut().filter(|told| told.since <= since && told.version == version) {
            told.at = Instant::now();
            return Ok(());
        }
        self.quotas.learn(of_others(connection, spool, since)?);
        self.told = Some(Told { at: Instant::now(), since, version });
        Ok(())
    }
}
