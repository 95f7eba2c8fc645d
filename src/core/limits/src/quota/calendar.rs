//! Which stretch of time a moment belongs to: the hour, the day, the week or the month of somebody's clock.

use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};

const HOUR: i64 = 3600;

/// How long it takes until everybody begins anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Period {
    /// Begins with each full hour of UTC, whatever the zone.
    Hour,
    /// Begins at the hour of the calendar.
    Day,
    /// Begins at the hour and on the weekday of the calendar.
    Week,
    /// Begins at the hour and on the day of the month of the calendar.
    Month,
}

/// When periods begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Calendar {
    period: Period,
    zone: TimeZone,
    time: Time,
    day: i8,
}

/// From a moment to another one, which is not in it any more; seconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Span {
    /// The first second in it.
    pub begins: i64,
    /// The first second behind it.
    pub ends: i64,
}

impl Span {
    /// Whether the moment is in it.
    #[must_use]
    pub fn contains(self, second: i64) -> bool {
        (self.begins..self.ends).contains(&second)
    }
}

impl Calendar {
    /// Periods that begin at `hour`, 0 to 23, by the clock of `zone`: weeks on `day` 1 (Monday) to 7, months on `day` 1 to 28.
    /// `None` outside of that.
    #[must_use]
    pub fn new(period: Period, zone: TimeZone, hour: u8, day: u8) -> Option<Self> {
        let latest = match period {
            Period::Hour | Period::Day => u8::MAX,
            Period::Week => 7,
            Period::Month => 28,
        };
        let time = Time::new(i8::try_from(hour).ok()?, 0, 0, 0).ok()?;
        let day = i8::try_from(day.min(28)).ok().filter(|_| (1..=latest).contains(&day))?;
        Some(Self { period, zone, time, day })
    }

    /// The period that the moment belongs to. Periods follow one another without a gap.
    ///
    /// An hour that the zone leaves out in spring is its next one; of one that it has twice in autumn the first counts.
    #[must_use]
    pub fn span(&self, now: Timestamp) -> Span {
        let second = now.as_second();
        if self.period == Period::Hour {
            let begins = second.div_euclid(HOUR) * HOUR;
            return Span { begins, ends: begins + HOUR };
        }
        let mut first = self.first_day(now.to_zoned(self.zone.clone()).date());
        while self.beginning(first) > second {
            first = self.before(first);
        }
        let mut next = self.after(first);
        // Some zone has left out a whole day.
        while self.beginning(next) <= second {
            next = self.after(next);
        }
        Span { begins: self.beginning(first), ends: self.beginning(next) }
    }

    /// The first day of the period that this day is in, if each began at midnight.
    fn first_day(&self, day: Date) -> Date {
        match self.period {
            Period::Hour | Period::Day => day,
            Period::Week => {
                day.saturating_sub(i64::from((day.weekday().to_monday_one_offset() - self.day).rem_euclid(7)).days())
            }
            Period::Month if day.day() >= self.day => self.in_month_of(day),
            Period::Month => self.in_month_of(day.saturating_sub(1.month())),
        }
    }

    fn in_month_of(&self, day: Date) -> Date {
        Date::new(day.year(), day.month(), self.day).expect("every month has 28 days")
    }

    fn before(&self, day: Date) -> Date {
        match self.period {
            Period::Hour | Period::Day => day.saturating_sub(1.day()),
            Period::Week => day.saturating_sub(1.week()),
            Period::Month => day.saturating_sub(1.month()),
        }
    }

    fn after(&self, day: Date) -> Date {
        match self.period {
            Period::Hour | Period::Day => day.saturating_add(1.day()),
            Period::Week => day.saturating_add(1.week()),
            Period::Month => day.saturating_add(1.month()),
        }
    }

    /// The end of time where the calendar knows no more.
    fn beginning(&self, day: Date) -> i64 {
        let there = day.to_datetime(self.time).to_zoned(self.zone.clone());
        there.map_or(i64::MAX, |zoned| zoned.timestamp().as_second())
    }
}
