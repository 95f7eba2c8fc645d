//! `[[limits.quotas]]`: how much may be carried in an hour, a day, a week or a month.

use crate::kinds::amounts::{Amount, Gigabytes, Percentages};
use crate::kinds::numbers::count;
use crate::kinds::rates::{Mbps, Rate};
use crate::kinds::strings::text;
use crate::kinds::{Flag, Maybe, Show as _};
use crate::reader::{Section, Table};
use crate::render::Shown;
use crate::users::UserName;
use crate::values::text::Label;
use crate::values::words::{QuotaAction, QuotaCounts, QuotaPeriod};

tables! {
    /// One `[[limits.quotas]]` table.
    Quota {
        /// What it is called in logs, metrics and the users file; always written.
        name: Label = "name", text(), Label::of("quota");
        /// Whose users it is for; nothing means everybody who logs in.
        group: Option<UserName> = "group", Maybe(text()), None;
        /// Whether all its users have it together; otherwise each has it for himself.
        shared: bool = "shared", Flag, false;
        /// When it begins anew.
        period: QuotaPeriod = "period", text(), QuotaPeriod::Month;
        /// How much it is; none is no limit.
        amount: Amount = "gigabytes", Gigabytes, Amount::NONE;
        /// Which direction counts.
        counts: QuotaCounts = "counts", text(), QuotaCounts::Both;
        /// What happens when it is used up.
        action: QuotaAction = "action", text(), QuotaAction::Refuse;
        /// Whether sessions that are in are ended when it is used up.
        end_live: bool = "end_live", Flag, false;
        /// What is left of the bandwidth, in each direction, if it is slowed down.
        slow: Rate = "slow_mbps", Mbps, Rate::of_megabits(1);
        /// Percentages, 1 to 99, that are worth a line in the log.
        warn_at: Vec<u8> = "warn_at_percent", Percentages, vec![80];
        /// The hour at which days, weeks and months begin, 0 to 23.
        reset_hour: u8 = "reset_hour", count(0, 23), 0;
        /// The day on which weeks, 1 (Monday) to 7, and months, 1 to 28, begin.
        reset_day: u8 = "reset_day", count(1, 28), 1;
        /// By whose clock, as the tz database names it; whoever reads it knows which there are.
        time_zone: Label = "time_zone", text(), Label::of("UTC");
    }
}
