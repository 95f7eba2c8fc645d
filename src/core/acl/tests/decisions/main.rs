//! Decisions: precedence, the two stages, every condition, and a naive model that has to agree with all of it.

mod conditions;
mod destinations;
mod explanations;
mod lint;
mod model;
mod precedence;
mod random;
mod sketch;
mod stages;
