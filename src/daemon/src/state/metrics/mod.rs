//! What is counted, for whoever asks.
//!
//! Whoever has something to count registers it here, in one line with its name and its help, and keeps the handle;
//! what somebody keeps anyway is looked at when it is asked for. Nothing here is on the way of a byte.
//! Labels come from closed sets, from names that were proven and from the most frequent destinations,
//! each with a bound: nothing that a stranger makes up becomes a series.
//! Knows nothing of HTTP, files or threads. docs/monitoring.md lists every name; a test compares.

mod frequent;
mod peers;
pub(crate) mod recent;
pub(crate) mod seats;
pub(crate) mod sessions;
pub(crate) mod today;
mod users;
mod words;

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use prometheus::core::Collector;
use prometheus::proto::{Metric, MetricFamily, MetricType};
use prometheus::{
    Counter, Encoder, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts,
    Registry, TextEncoder,
};

pub(crate) use self::words::Words;

/// Seconds that a step inside the house or across a network takes: half a millisecond to half a minute.
pub(crate) const STEP_SECONDS: [f64; 14] =
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0];

/// Every metric of one worker; it lives as long as the worker does.
#[derive(Default)]
pub(crate) struct Metrics {
    registry: Registry,
    /// What has to be brought up to date first. Its lock also keeps scrapes apart.
    looks: Mutex<Vec<Look>>,
}

type Look = Box<dyn Fn() + Send + Sync>;

/// Brings a counter up to what somebody else has counted.
pub(crate) fn raise(counter: &IntCounter, total: u64) {
    counter.inc_by(total.saturating_sub(counter.get()));
}

impl Metrics {
    /// A number that only grows.
    pub(crate) fn counter(&self, name: &str, help: &str) -> IntCounter {
        self.kept(IntCounter::new(name, help))
    }

    /// One such number for each word of a closed set; all of them exist from the beginning, so that the first event is a rise.
    pub(crate) fn words(
        &self,
        name: &str,
        help: &str,
        label: &str,
        words: impl IntoIterator<Item = &'static str>,
    ) -> Words {
        Words::new(self.counters(name, help, &[label]), words)
    }

    /// One such number for each combination of labels; whoever counts sees to it that they are few.
    pub(crate) fn counters(&self, name: &str, help: &str, labels: &[&str]) -> IntCounterVec {
        self.kept(IntCounterVec::new(Opts::new(name, help), labels))
    }

    /// One such number for each word, of events that somebody else counts; looked at when it is asked for.
    pub(crate) fn totals<const N: usize>(
        &self,
        name: &str,
        help: &str,
        label: &str,
        totals: impl Fn() -> [(&'static str, u64); N] + Send + Sync + 'static,
    ) {
        let counters = self.counters(name, help, &[label]);
        self.before_each_scrape(move || {
            for (word, total) in totals() {
                raise(&counters.with_label_values(&[word]), total);
            }
        });
    }

    /// A number that goes up and down.
    pub(crate) fn gauge(&self, name: &str, help: &str) -> IntGauge {
        self.kept(IntGauge::new(name, help))
    }

    /// One such number for each combination of labels.
    pub(crate) fn gauges(&self, name: &str, help: &str, labels: &[&str]) -> IntGaugeVec {
        self.kept(IntGaugeVec::new(Opts::new(name, help), labels))
    }

    /// How long something took, in seconds.
    pub(crate) fn seconds(&self, name: &str, help: &str, buckets: &[f64]) -> Histogram {
        self.kept(Histogram::with_opts(HistogramOpts::new(name, help).buckets(buckets.to_vec())))
    }

    /// How long something took, in seconds, by one label.
    pub(crate) fn seconds_by(&self, name: &str, help: &str, label: &str, buckets: &[f64]) -> HistogramVec {
        self.kept(HistogramVec::new(HistogramOpts::new(name, help).buckets(buckets.to_vec()), &[label]))
    }

    /// Seconds that only grow.
    pub(crate) fn seconds_spent(&self, name: &str, help: &str) -> Counter {
        self.kept(Counter::new(name, help))
    }

    /// What brings metrics up to date that change by themselves; done at each scrape before anything is read, never twice at once.
    pub(crate) fn before_each_scrape(&self, look: impl Fn() + Send + Sync + 'static) {
        self.looks().push(Box::new(look));
    }

    /// Everything in Prometheus' text format, [`TEXT_FORMAT`](prometheus::TEXT_FORMAT).
    pub(crate) fn exposition(&self) -> Vec<u8> {
        let mut families = self.gather();
        families.push(series(&families));
        let mut text = Vec::new();
        TextEncoder::new().encode(&families, &mut text).expect("a family with a name and a sample can be written");
        text
    }

    fn gather(&self) -> Vec<MetricFamily> {
        let looks = self.looks();
        looks.iter().for_each(|look| look());
        self.registry.gather()
    }

    fn looks(&self) -> MutexGuard<'_, Vec<Look>> {
        self.looks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn register(&self, collector: impl Collector + 'static) {
        self.registry.register(Box::new(collector)).expect("every metric has a name of its own");
    }

    fn kept<M: Collector + Clone + 'static>(&self, metric: prometheus::Result<M>) -> M {
        let metric = metric.expect("names, labels and buckets are constants that Prometheus accepts");
        self.register(metric.clone());
        metric
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").field("registry", &self.registry).finish_non_exhaustive()
    }
}

/// How many series everything else makes, and this one.
fn series(families: &[MetricFamily]) -> MetricFamily {
    let others: usize = families.iter().map(series_of).sum();
    let gauge = IntGauge::new("rustsocks_metrics_series", "Series that this endpoint exposes, this one included.");
    let gauge = gauge.expect("Prometheus accepts the name");
    gauge.set(i64::try_from(others + 1).unwrap_or(i64::MAX));
    gauge.collect().remove(0)
}

/// How many series Prometheus makes of a family.
fn series_of(family: &MetricFamily) -> usize {
    let of_one = |metric: &Metric| match family.get_field_type() {
        MetricType::COUNTER | MetricType::GAUGE | MetricType::UNTYPED => 1,
        // The bucket without an upper bound, the sum and the count come on top.
        MetricType::HISTOGRAM => metric.get_histogram().get_bucket().len() + 3,
        MetricType::SUMMARY => metric.get_summary().get_quantile().len() + 2,
    };
    family.get_metric().iter().map(of_one).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(metrics: &Metrics) -> Vec<String> {
        let text = String::from_utf8(metrics.exposition()).unwrap();
        text.lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect()
    }

    #[test]
    fn the_gauge_of_series_counts_every_line_and_itself() {
        let metrics = Metrics::default();
        assert_eq!(lines(&metrics), ["rustsocks_metrics_series 1"]);
        metrics.counter("some_total", "Some.").inc();
        metrics.words("words_total", "Words.", "word", ["a", "b"]);
        metrics.seconds("some_seconds", "How long.", &[0.1, 1.0]).observe(0.5);
        let lines = lines(&metrics);
        assert_eq!(lines.len(), 1 + 2 + 5 + 1, "{lines:?}");
        assert_eq!(lines.last().map(String::as_str), Some("rustsocks_metrics_series 9"));
    }

    #[test]
    fn a_hostile_label_stays_inside_its_quotes() {
        let metrics = Metrics::default();
        metrics.counters("some_total", "Some.", &["user"]).with_label_values(&["a\"} 1\nb 2\\"]).inc();
        assert_eq!(lines(&metrics)[0], r#"some_total{user="a\"} 1\nb 2\\"} 1"#);
    }
}
