//! One number of rules: what is measured, and how.

use std::sync::Arc;
use std::time::{Duration, Instant};

use acl::{
    AuthMethod, Command, Destination, Guard, LocalMinute, Moment, Policy, PrivateByName, Request, Ruleset, Ruling,
    Services, Target, View, Who,
};
use anyhow::{Result, ensure};
use nix::time::{ClockId, clock_gettime};

use crate::linear;
use crate::recipe::{Kind, Question, file, file_by_client, questions};

/// Enough that neither requests nor rules stay in the processor's nearest caches.
const QUESTIONS: usize = 8_192;

/// So many decisions are timed together, so that the clock does not count.
const BATCH: u16 = 32;

/// So often everything is done; the median of all counts.
const ROUNDS: usize = 5;

/// What was measured with so many rules.
pub(crate) struct Size {
    pub(crate) rules: usize,
    pub(crate) decisions: Vec<(Kind, Decided)>,
    pub(crate) load: Duration,
    pub(crate) compile: Duration,
    /// Bytes of the file.
    pub(crate) text: usize,
    /// Bytes of the compiled rules.
    pub(crate) memory: usize,
}

/// What is the same for every request.
struct Scene {
    guard: Guard,
    moment: Moment,
}

/// Nanoseconds per decision.
pub(crate) struct Decided {
    pub(crate) median: f64,
    pub(crate) p99: f64,
    pub(crate) linear: f64,
}

impl Size {
    pub(crate) fn measure(rules: usize) -> Result<Self> {
        let text = file(rules);
        let (ruleset, load, compile) = loaded(&text, rules)?;
        let common = Kind::COMMON.iter().map(|kind| Ok((*kind, decided(&ruleset, rules, *kind)?)));
        let mut decisions = common.collect::<Result<Vec<_>>>()?;
        let memory = ruleset.memory();
        let (by_client, ..) = loaded(&file_by_client(rules), rules)?;
        decisions.push((Kind::ByClient, decided(&by_client, rules, Kind::ByClient)?));
        Ok(Self { rules, decisions, load, compile, text: text.len(), memory })
    }
}

/// The compiled rules, and the median of what reading and compiling took.
fn loaded(text: &str, rules: usize) -> Result<(Arc<Ruleset>, Duration, Duration)> {
    let mut loads: Vec<(Duration, Duration)> = Vec::new();
    let mut compiled = None;
    for _ in 0..ROUNDS {
        drop(compiled.take());
        let (policy, load) = timed(|| config::rules::load("rules.toml", text, &|_| true));
        let policy = policy?;
        ensure!(policy.rule_count() == rules, "the recipe makes {} rules, not {rules}", policy.rule_count());
        let (ruleset, compile) = timed(|| Ruleset::new(policy, PrivateByName::Admitted));
        loads.push((load, compile));
        compiled = Some(Arc::new(ruleset));
    }
    loads.sort_unstable();
    let (load, compile) = loads[ROUNDS / 2];
    Ok((compiled.expect("there was a round"), load, compile))
}

fn decided(ruleset: &Arc<Ruleset>, rules: usize, kind: Kind) -> Result<Decided> {
    let asked: Vec<(View, Question)> = questions(rules, kind, QUESTIONS)
        .into_iter()
        .map(|question| (View::new(ruleset, Who::User(&question.user), []), question))
        .collect();
    let scene = Scene { guard: Guard::default(), moment: ruleset.moment(0, |_| LocalMinute::new(0, 0)) };
    check(&asked, ruleset.policy(), &scene)?;
    let mut batches: Vec<f64> = Vec::new();
    for _ in 0..ROUNDS {
        for batch in asked.chunks_exact(BATCH.into()) {
            let (allowed, took) =
                timed(|| batch.iter().filter(|(view, question)| is_allowed(view, question, &scene)).count());
            std::hint::black_box(allowed);
            batches.push(took.as_secs_f64() * 1e9 / f64::from(BATCH));
        }
    }
    batches.sort_by(f64::total_cmp);
    let linear = linearly(&asked, ruleset.policy(), &scene.guard);
    Ok(Decided { median: batches[batches.len() / 2], p99: batches[batches.len() * 99 / 100], linear })
}

/// Engine and yardstick must say the same, or there is nothing to compare.
fn check(asked: &[(View, Question)], policy: &Policy, scene: &Scene) -> Result<()> {
    for (view, question) in asked.iter().take(200) {
        let (engine, linear) = (is_allowed(view, question, scene), linear::is_allowed(policy, question, &scene.guard));
        ensure!(
            engine == linear,
            "{} to {}: {engine} by the engine, {linear} by the scan",
            question.user,
            question.destination
        );
    }
    Ok(())
}

fn linearly(asked: &[(View, Question)], policy: &Policy, guard: &Guard) -> f64 {
    let mut samples: Vec<f64> = Vec::new();
    let begin = Instant::now();
    for (_, question) in asked {
        let (allowed, took) = timed(|| linear::is_allowed(policy, question, guard));
        std::hint::black_box(allowed);
        samples.push(took.as_secs_f64() * 1e9);
        if begin.elapsed() > Duration::from_millis(500) && samples.len() >= 50 {
            break;
        }
    }
    samples.sort_by(f64::total_cmp);
    samples[samples.len() / 2]
}

fn is_allowed(view: &View, question: &Question, scene: &Scene) -> bool {
    let target = match (&question.destination, question.address) {
        (Destination::Name(name), Some(address)) => Target::Resolved(name, address),
        (destination, _) => Target::of(destination),
    };
    let request = Request {
        target,
        port: question.port,
        command: Command::Connect,
        source: Some(question.source),
        method: AuthMethod::UserPass,
        moment: &scene.moment,
        services: Services::default(),
    };
    let decision = view.decide(&request, &scene.guard);
    match decision.verdict {
        Ruling::Allow => true,
        Ruling::Resolve => decision.rule().is_some(),
        Ruling::Deny | Ruling::Ask(_) => false,
    }
}

/// How long the work takes, in time of the processor: what else the machine does meanwhile does not count.
fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let now = || clock_gettime(ClockId::CLOCK_PROCESS_CPUTIME_ID).map_or(Duration::ZERO, Duration::from);
    let begin = now();
    let result = work();
    (result, now().saturating_sub(begin))
}
