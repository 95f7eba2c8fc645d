//! The hours of the week in which a rule holds.
//!
//! Knows weekdays and minutes, and nothing of clocks or time zones: whoever asks says which minute it is there.

use std::fmt;

use crate::policy::words::{Set, Weekday, Word};

/// Hours of some days of the week, in one zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    /// Those on which hours begin.
    days: Set<Weekday>,
    hours: Box<[Hours]>,
    zone: Zone,
}

/// Whose clock counts.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Zone {
    /// The zone of the host.
    Host,
    /// A zone of the tz database: `Europe/Warsaw`.
    Named(Box<str>),
}

/// From a minute of the day up to, and without, another; an end that is not after the beginning is on the next day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Hours {
    from: u16,
    to: u16,
}

/// A minute of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LocalMinute {
    day: Weekday,
    /// 0 to 1439.
    minute: u16,
}

const DAY: u16 = 24 * 60;

impl Schedule {
    /// The hours of these days; every hour when there are none.
    #[must_use]
    pub fn new(days: Set<Weekday>, hours: impl Into<Box<[Hours]>>, zone: Zone) -> Self {
        Self { days, hours: hours.into(), zone }
    }

    /// Whose clock counts.
    #[must_use]
    pub fn zone(&self) -> &Zone {
        &self.zone
    }

    /// Whether the minute is in it.
    #[must_use]
    pub fn includes(&self, now: LocalMinute) -> bool {
        if self.hours.is_empty() {
            return self.days.contains(now.day);
        }
        self.hours.iter().any(|hours| {
            let began_today = self.days.contains(now.day) && hours.includes_on_its_day(now.minute);
            began_today || (self.days.contains(now.day.yesterday()) && hours.includes_on_the_next_day(now.minute))
        })
    }
}

/// `mon, tue 08:00-18:00 Europe/Warsaw`
impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hours: Vec<String> = self.hours.iter().map(ToString::to_string).collect();
        let days = if self.days.is_all() { "every day".to_owned() } else { self.days.to_string() };
        f.write_str(&days)?;
        if !hours.is_empty() {
            write!(f, " {}", hours.join(", "))?;
        }
        match &self.zone {
            Zone::Host => Ok(()),
            Zone::Named(name) => write!(f, " {name}"),
        }
    }
}

impl Hours {
    /// Reads `08:00-18:00` or `22:00-06:00`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (from, to) = text.split_once('-')?;
        let (from, to) = (minute(from.trim())?, minute(to.trim())?);
        (from < DAY && from != to).then_some(Self { from, to })
    }

    fn includes_on_its_day(self, minute: u16) -> bool {
        self.from <= minute && (minute < self.to || self.to < self.from)
    }

    fn includes_on_the_next_day(self, minute: u16) -> bool {
        self.to < self.from && minute < self.to
    }
}

impl fmt::Display for Hours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { from, to } = self;
        write!(f, "{:02}:{:02}-{:02}:{:02}", from / 60, from % 60, to / 60, to % 60)
    }
}

impl LocalMinute {
    /// `day` counts from Monday, 0 to 6; `minute` from midnight, 0 to 1439. Larger numbers wrap around.
    #[must_use]
    pub fn new(day: u8, minute: u16) -> Self {
        Self { day: Weekday::ALL[usize::from(day) % Weekday::ALL.len()], minute: minute % DAY }
    }
}

/// `mon 08:15`
impl fmt::Display for LocalMinute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:02}:{:02}", self.day, self.minute / 60, self.minute % 60)
    }
}

/// `HH:MM`, up to 24:00.
fn minute(text: &str) -> Option<u16> {
    let (hours, minutes) = text.split_once(':')?;
    let number = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse::<u16>().ok());
    let (hours, minutes) = match (hours.len(), minutes.len()) {
        (1..=2, 2) => (number(hours)??, number(minutes)??),
        _ => return None,
    };
    let minute = hours * 60 + minutes;
    (minutes < 60 && minute <= DAY).then_some(minute)
}
