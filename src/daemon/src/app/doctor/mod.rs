//! `rustsocks doctor`: examines what the configuration asks for and what this host has for it, and says which line to change.
//!
//! Each file is one examination, a list of findings about one thing.
//! Nothing is started and nothing is changed; one small database is written beside the history and removed again.

mod advertised;
pub(super) mod args;
mod certificates;
mod clock;
mod database;
mod files;
mod finding;
mod ipv6;
mod limits;
mod loops;
mod names;
mod pam;
mod patient;
mod services;

use std::process::ExitCode;

use serde_json::json;

use self::args::{Examination, Target};
use self::finding::{Finding, Severity};
use self::patient::Patient;
use super::args::Selection;
use super::commands::{EX_CONFIG, complain, print};

/// There is something to repair.
const UNWELL: u8 = 1;

/// What one examination has found.
#[derive(Debug)]
struct Examined {
    /// What was looked at, a word that stays the same.
    subject: &'static str,
    findings: Vec<Finding>,
}

pub(super) fn doctor(selection: &Selection, wanted: &Examination) -> ExitCode {
    let (report, code) = match Patient::admit(selection) {
        Ok(patient) => {
            let report = examine(&patient, &wanted.target);
            let is_well = report.iter().flat_map(|examined| &examined.findings).all(|found| !found.is_problem());
            (report, if is_well { ExitCode::SUCCESS } else { ExitCode::from(UNWELL) })
        }
        Err(findings) => (vec![Examined { subject: "configuration", findings }], ExitCode::from(EX_CONFIG)),
    };
    let said = if wanted.json { print(&format!("{:#}\n", as_json(&report))) } else { print(&as_text(&report)) };
    match said {
        Ok(()) => code,
        Err(error) => {
            complain(&format!("{error:#}"));
            ExitCode::from(UNWELL)
        }
    }
}

fn examine(patient: &Patient<'_>, target: &Target) -> Vec<Examined> {
    let found = names::look_up(patient, target);
    let findings = [
        ("configuration", patient.remarks()),
        ("files", files::examine(patient)),
        ("certificates", certificates::examine(patient)),
        ("pam", pam::examine(patient)),
        ("limits", limits::examine(patient)),
        ("advertised", advertised::examine(patient)),
        ("loops", loops::examine(patient)),
        ("names", names::examine(patient, target, &found)),
        ("ipv6", ipv6::examine(patient, target, &found)),
        ("clock", clock::examine(patient)),
        ("database", database::examine(patient)),
    ];
    findings.into_iter().map(|(subject, findings)| Examined { subject, findings }).collect()
}

/// One line for each finding, and one below it for what to change.
fn as_text(report: &[Examined]) -> String {
    let mut text = String::new();
    for Examined { subject, findings } in report {
        text.extend(findings.iter().map(|finding| finding.line(subject)));
    }
    let count = |severity| {
        report.iter().flat_map(|examined| &examined.findings).filter(|found| found.severity == severity).count()
    };
    text + &format!("{} to repair, {} to know\n", count(Severity::Problem), count(Severity::Warning))
}

fn as_json(report: &[Examined]) -> serde_json::Value {
    let findings =
        report.iter().flat_map(|Examined { subject, findings }| findings.iter().map(|finding| finding.json(subject)));
    let is_well = !report.iter().flat_map(|examined| &examined.findings).any(Finding::is_problem);
    json!({ "well": is_well, "findings": findings.collect::<Vec<_>>() })
}
