//! From the settings to the quotas.

use std::io;
use std::num::NonZeroU64;

use config::{QuotaAction, QuotaCounts, QuotaPeriod};
use jiff::tz::TimeZone;
use limits::quota::calendar::{Calendar, Period};
use limits::quota::gauge::Counts;

use crate::state::limits::quotas::quota::{Action, Quota};

/// Every quota.
///
/// # Errors
/// A time zone that this host does not know.
pub(super) fn of(quotas: &[config::Quota]) -> io::Result<Vec<Quota>> {
    quotas.iter().map(quota).collect()
}

fn quota(quota: &config::Quota) -> io::Result<Quota> {
    let config::Quota {
        name,
        group,
        shared,
        period,
        amount,
        counts,
        action,
        end_live,
        slow,
        warn_at,
        reset_hour,
        reset_day,
        time_zone,
    } = quota;
    let period = match period {
        QuotaPeriod::Hour => Period::Hour,
        QuotaPeriod::Day => Period::Day,
        QuotaPeriod::Week => Period::Week,
        QuotaPeriod::Month => Period::Month,
    };
    let zone = TimeZone::get(time_zone.as_str()).map_err(io::Error::other)?;
    Ok(Quota {
        name: name.as_str().into(),
        group: group.as_ref().map(|group| group.as_str().into()),
        is_shared: *shared,
        bytes: amount.bytes(),
        counts: match counts {
            QuotaCounts::Sent => Counts::Sent,
            QuotaCounts::Received => Counts::Received,
            QuotaCounts::Both => Counts::Both,
        },
        calendar: Calendar::new(period, zone, *reset_hour, *reset_day).expect("settings are in range"),
        action: match (action, NonZeroU64::new(slow.bytes())) {
            (QuotaAction::Slow, Some(rate)) => Action::Slow(rate),
            (QuotaAction::Slow | QuotaAction::Refuse, _) if *end_live => Action::End,
            (QuotaAction::Slow | QuotaAction::Refuse, _) => Action::Refuse,
        },
        warn_at: warn_at.clone(),
    })
}
