//! How many places there are for sessions, and how many are taken.

use std::sync::Arc;

use super::Metrics;
use crate::state::session::seats::Seats;

/// Lets each scrape see these seats.
pub(crate) fn follow(metrics: &Metrics, seats: Arc<Seats>) {
    let bound =
        metrics.gauge("rustsocks_seats", "Places for sessions with a complete request; an association takes two.");
    let taken = metrics.gauge("rustsocks_seats_taken", "Places that are taken now.");
    metrics.before_each_scrape(move || {
        bound.set(i64::try_from(seats.bound()).unwrap_or(i64::MAX));
        taken.set(i64::try_from(seats.taken()).unwrap_or(i64::MAX));
    });
}
