//! What a load is, and the loop that runs it against every contender in turn.
//!
//! Knows nothing of what the figures mean.

use std::time::Duration;

use anyhow::{Context, Result};

use crate::{
    contender::{Contender, Login, Server, Setup},
    goal::Goal,
    stats::median,
};

/// A load and what it measures.
pub(crate) trait Scenario {
    /// One or two words.
    fn title(&self) -> String;
    /// One sentence for the reader of the figures.
    fn about(&self) -> String;
    /// Who can carry it.
    fn contenders(&self) -> &'static [Contender];
    /// What the proxies ask of their clients.
    fn login(&self) -> Login {
        Login::Nobody
    }
    fn figures(&self) -> Vec<Figure>;
    fn goals(&self) -> Vec<Goal>;
    /// One value for each figure, from a server that was just started; NaN where there is none.
    fn sample(&self, server: &Server) -> Result<Vec<f64>>;
}

/// What one number is called, and how exactly it is worth printing.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Figure {
    pub name: &'static str,
    pub decimals: usize,
}

impl Figure {
    pub(crate) const fn new(name: &'static str, decimals: usize) -> Self {
        Self { name, decimals }
    }
}

/// How much time and how many sessions a load may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    /// Samples of each contender.
    pub rounds: usize,
    pub bulk: Duration,
    pub short: Duration,
    pub pingpong: Duration,
    pub active: Duration,
    pub udp: Duration,
    /// Idle and active sessions.
    pub sessions: usize,
}

impl Pace {
    /// Medians of three rounds; less than six minutes for everything.
    pub(crate) const FULL: Self = Self {
        rounds: 3,
        bulk: Duration::from_millis(700),
        short: Duration::from_millis(1500),
        pingpong: Duration::from_secs(1),
        active: Duration::from_secs(6),
        udp: Duration::from_millis(800),
        sessions: 5000,
    };
    /// One round, to see that everything works; its figures are no basis for anything.
    pub(crate) const QUICK: Self = Self {
        rounds: 1,
        bulk: Duration::from_millis(200),
        short: Duration::from_millis(500),
        pingpong: Duration::from_millis(400),
        active: Duration::from_secs(3),
        udp: Duration::from_millis(300),
        sessions: 1000,
    };
}

/// What came out: for each contender its median of every figure.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub figures: Vec<Figure>,
    pub medians: Vec<(Contender, Vec<f64>)>,
}

impl Outcome {
    /// None when that contender did not take part.
    pub(crate) fn value(&self, of: Contender, figure: &str) -> Option<f64> {
        let at = self.figures.iter().position(|known| known.name == figure)?;
        let (_, values) = self.medians.iter().find(|(contender, _)| *contender == of)?;
        Some(values[at])
    }
}

/// Runs the rounds interleaved, so that a machine that drifts drifts for everyone. Each sample has a server of its own.
pub(crate) fn run(scenario: &dyn Scenario, chosen: &[Contender], setup: &Setup, rounds: usize) -> Result<Outcome> {
    let taking_part: Vec<_> = scenario.contenders().iter().copied().filter(|c| chosen.contains(c)).collect();
    let mut samples = vec![Vec::new(); taking_part.len()];
    for _ in 0..rounds {
        for (contender, samples) in taking_part.iter().zip(&mut samples) {
            samples.push(sample(scenario, *contender, setup)?);
        }
    }
    let medians = taking_part.into_iter().zip(samples.iter().map(|rounds| by_figure(rounds))).collect();
    Ok(Outcome { figures: scenario.figures(), medians })
}

fn sample(scenario: &dyn Scenario, contender: Contender, setup: &Setup) -> Result<Vec<f64>> {
    let server = Server::start(contender, &Setup { login: scenario.login(), ..setup.clone() })?;
    scenario.sample(&server).with_context(|| format!("{} through {}", scenario.title(), contender.name()))
}

fn by_figure(rounds: &[Vec<f64>]) -> Vec<f64> {
    let figures = rounds.first().map_or(0, Vec::len);
    (0..figures).map(|at| median(&rounds.iter().map(|round| round[at]).collect::<Vec<_>>())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_figure_has_its_own_median() {
        let medians = by_figure(&[vec![1.0, 30.0], vec![3.0, 10.0], vec![2.0, 20.0]]);
        assert_eq!(medians, [2.0, 20.0]);
    }
}
