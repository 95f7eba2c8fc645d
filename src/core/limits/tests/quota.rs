//! When quotas begin anew, what counts for them, and what is told: examples, and any clock against a slow and obvious reference.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use limits::quota::account::{Account, Carried, Quarter};
use limits::quota::calendar::{Calendar, Period, Span};
use limits::quota::gauge::{Counts, Gauge, Reading};
use proptest::prelude::*;

/// Zones that leave hours out at different times of the day, have them twice, begin them at a half or a quarter, or skipped a day.
const ZONES: [&str; 9] = [
    "UTC",
    "Europe/Warsaw",
    "America/New_York",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "America/Santiago",
    "Africa/Cairo",
    "Pacific/Chatham",
];

const PERIODS: [Period; 4] = [Period::Hour, Period::Day, Period::Week, Period::Month];

fn calendar(period: Period, zone: &str, hour: u8, day: u8) -> Calendar {
    Calendar::new(period, TimeZone::get(zone).expect("the zone is in the tz database"), hour, day)
        .expect("it is in range")
}

fn moment(text: &str) -> Timestamp {
    text.parse().expect("it is a moment")
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).expect("it is in range")
}

fn any_calendar() -> impl Strategy<Value = Calendar> {
    let day = |period| if period == Period::Week { 1..=7u8 } else { 1..=28u8 };
    (0..PERIODS.len(), 0..ZONES.len(), 0..24u8)
        .prop_flat_map(move |(period, zone, hour)| (Just((period, zone, hour)), day(PERIODS[period])))
        .prop_map(|((period, zone, hour), day)| calendar(PERIODS[period], ZONES[zone], hour, day))
}

/// From 2010, when clocks had been on quarters for decades, to 2037.
fn any_second() -> impl Strategy<Value = i64> {
    1_262_304_000..2_114_380_800i64
}

#[test]
fn periods_begin_by_the_clock_of_their_zone_also_when_that_is_set() {
    for (period, zone, (hour, day), now, begins, ends) in [
        (
            Period::Hour,
            "Asia/Kathmandu",
            (0, 1),
            "2026-11-22T10:59:59Z",
            "2026-11-22T10:00:00Z",
            "2026-11-22T11:00:00Z",
        ),
        (Period::Day, "Europe/Warsaw", (0, 1), "2026-11-22T22:59:59Z", "2026-11-21T23:00:00Z", "2026-11-22T23:00:00Z"),
        (Period::Day, "Europe/Warsaw", (6, 1), "2026-11-22T04:59:59Z", "2026-11-21T05:00:00Z", "2026-11-22T05:00:00Z"),
        // 23 hours, 25 hours, and an hour that is not there.
        (Period::Day, "Europe/Warsaw", (0, 1), "2026-03-29T12:00:00Z", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"),
        (Period::Day, "Europe/Warsaw", (0, 1), "2026-10-25T12:00:00Z", "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z"),
        (Period::Day, "Europe/Warsaw", (2, 1), "2026-03-29T01:00:00Z", "2026-03-29T01:00:00Z", "2026-03-30T00:00:00Z"),
        (Period::Day, "Europe/Warsaw", (2, 1), "2026-03-29T00:59:59Z", "2026-03-28T01:00:00Z", "2026-03-29T01:00:00Z"),
        // Of an hour that is there twice the first.
        (Period::Day, "Europe/Warsaw", (2, 1), "2026-10-25T00:00:00Z", "2026-10-25T00:00:00Z", "2026-10-26T01:00:00Z"),
        // 2011-12-30 was left out.
        (Period::Day, "Pacific/Apia", (0, 1), "2011-12-30T12:00:00Z", "2011-12-30T10:00:00Z", "2011-12-31T10:00:00Z"),
        (Period::Week, "UTC", (0, 1), "2026-11-22T23:59:59Z", "2026-11-16T00:00:00Z", "2026-11-23T00:00:00Z"),
        (Period::Week, "UTC", (0, 7), "2026-11-22T00:00:00Z", "2026-11-22T00:00:00Z", "2026-11-29T00:00:00Z"),
        (Period::Month, "UTC", (0, 1), "2028-02-29T12:00:00Z", "2028-02-01T00:00:00Z", "2028-03-01T00:00:00Z"),
        (
            Period::Month,
            "America/New_York",
            (0, 15),
            "2026-11-15T04:59:59Z",
            "2026-10-15T04:00:00Z",
            "2026-11-15T05:00:00Z",
        ),
        (Period::Month, "UTC", (0, 28), "2026-03-01T00:00:00Z", "2026-02-28T00:00:00Z", "2026-03-28T00:00:00Z"),
    ] {
        let span = calendar(period, zone, hour, day).span(moment(now));
        assert_eq!((at(span.begins), at(span.ends)), (moment(begins), moment(ends)), "{period:?} {zone} {now}");
    }
}

#[test]
fn what_is_no_hour_and_no_day_makes_no_calendar() {
    for (period, hour, day) in
        [(Period::Day, 24, 1), (Period::Week, 0, 8), (Period::Month, 0, 29), (Period::Month, 0, 0)]
    {
        assert_eq!(Calendar::new(period, TimeZone::UTC, hour, day), None, "{period:?} {hour} {day}");
    }
}

#[test]
fn each_threshold_is_told_once_and_again_after_more_was_granted() {
    let mut gauge = Gauge::at_zero();
    let mut look = |used, most| {
        let Reading { is_spent, news } = gauge.look(used, most, &[80, 50, 95]);
        (is_spent, news)
    };
    for (used, most, expected) in [
        (0, 1000, (false, None)),
        (499, 1000, (false, None)),
        (500, 1000, (false, Some(50))),
        (799, 1000, (false, None)),
        (999, 1000, (false, Some(95))),
        (1000, 1000, (true, Some(100))),
        (1500, 1000, (true, None)),
        (1500, 3000, (false, None)),
        (2400, 3000, (false, Some(80))),
        (0, 3000, (false, None)),
        (3000, 3000, (true, Some(100))),
    ] {
        assert_eq!(look(used, most), expected, "{used} of {most}");
    }
}

#[test]
fn who_was_past_a_threshold_before_the_first_look_is_not_told_of_it() {
    let mut gauge = Gauge::default();
    assert_eq!(gauge.look(90, 100, &[80]), Reading { is_spent: false, news: None });
    assert_eq!(gauge.look(100, 100, &[80]), Reading { is_spent: true, news: Some(100) });
}

proptest! {
    #[test]
    fn every_moment_is_in_exactly_one_period(calendar in any_calendar(), second in any_second()) {
        let span = calendar.span(at(second));
        prop_assert!(span.contains(second));
        prop_assert_eq!(calendar.span(at(span.begins)), span);
        prop_assert_eq!(calendar.span(at(span.ends - 1)), span);
        prop_assert_eq!(calendar.span(at(span.ends)).begins, span.ends);
        prop_assert_eq!(calendar.span(at(span.begins - 1)).ends, span.begins);
        prop_assert_eq!((span.begins % 900, span.ends % 900), (0, 0));
    }

    /// The clock is set by up to a day, either way, before each piece: whatever it shows in the end, what counts for the period
    /// that it shows is what was carried while it showed a moment of that period.
    #[test]
    fn each_byte_counts_once_in_the_period_of_its_moment_whatever_the_clock_does(
        calendar in any_calendar(),
        start in any_second(),
        pieces in prop::collection::vec((-86_400..=86_400i64, 0..1_000_000u64, 0..1_000_000u64), 1..60),
    ) {
        let (mut account, mut carried, mut now) = (Account::default(), Vec::new(), start);
        for (step, sent, received) in pieces {
            now += step;
            let piece = Carried { sent, received };
            account.add(Quarter::of(now), piece);
            carried.push((now, piece));
            let span = calendar.span(at(now));
            let expected = sum(carried.iter().filter(|(then, _)| calendar.span(at(*then)) == span));
            prop_assert_eq!(account.within(span), expected);
        }
        let always = Span { begins: 0, ends: i64::MAX };
        prop_assert_eq!(account.within(always), sum(carried.iter()));
        account.forget_before(Quarter::of(now));
        prop_assert_eq!(account.within(always), sum(carried.iter().filter(|(then, _)| then / 900 >= now / 900)));
    }

    #[test]
    fn what_counts_is_what_the_quota_says(sent in 0..u64::MAX, received in 0..u64::MAX) {
        let carried = Carried { sent, received };
        prop_assert_eq!(Counts::Sent.of(carried), sent);
        prop_assert_eq!(Counts::Received.of(carried), received);
        prop_assert_eq!(Counts::Both.of(carried), sent.saturating_add(received));
    }
}

fn sum<'c>(carried: impl Iterator<Item = &'c (i64, Carried)>) -> Carried {
    carried.fold(Carried::default(), |sum, (_, piece)| sum + *piece)
}
