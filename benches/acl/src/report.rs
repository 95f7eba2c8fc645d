//! The page: a table of decisions, a table of loading, and the goals.

use std::fmt::Write;
use std::fs;
use std::thread::available_parallelism;

use crate::measure::Size;
use crate::recipe::Kind;

/// The whole page, and whether every goal is reached.
pub(crate) fn page(sizes: &[Size]) -> (String, bool) {
    let goals = goals(sizes);
    let mut page = head();
    page.push_str(&decisions(sizes));
    page.push_str(&loading(sizes));
    page.push_str("\n## Goals\n\n");
    for (text, is_reached) in &goals {
        let word = if *is_reached { "reached" } else { "not reached" };
        writeln!(page, "- {word}: {text}").expect("a string takes everything");
    }
    (page, goals.iter().all(|(_, is_reached)| *is_reached))
}

fn head() -> String {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    let name = name.map_or("an unnamed processor", |(_, name)| name.trim());
    let cores = available_parallelism().map_or(0, usize::from);
    format!(
        "# Rules in numbers

Written by `make bench-acl`; do not edit.
Half of the rules belong to ten groups, the others to users with fifty each; a request meets those of its user, of two groups and of everyone.
Only `by client` has other rules: everyone's, for every destination, one for each client.
Times are medians of the processor's time on {cores} cores, {name}; the yardstick goes through the same rules one by one.
"
    )
}

fn decisions(sizes: &[Size]) -> String {
    let mut text = String::from(
        "\n## One decision, in nanoseconds\n\n\
         | rules | request | median | p99 | linear scan | faster by |\n|---:|---|---:|---:|---:|---:|\n",
    );
    for size in sizes {
        for (kind, decided) in &size.decisions {
            let (median, p99, linear) = (decided.median, decided.p99, decided.linear);
            let line = format!(
                "| {} | {} | {median:.0} | {p99:.0} | {linear:.0} | {:.0} x |\n",
                size.rules,
                named(*kind),
                linear / median
            );
            text.push_str(&line);
        }
    }
    text
}

fn loading(sizes: &[Size]) -> String {
    let mut text = String::from(
        "\n## From text to compiled rules\n\n\
         | rules | file, KiB | reading, ms | compiling, ms | memory, KiB |\n|---:|---:|---:|---:|---:|\n",
    );
    for Size { rules, load, compile, text: file, memory, .. } in sizes {
        let (load, compile) = (load.as_secs_f64() * 1e3, compile.as_secs_f64() * 1e3);
        let line = format!("| {rules} | {} | {load:.1} | {compile:.1} | {} |\n", file / 1024, memory / 1024);
        text.push_str(&line);
    }
    text
}

fn goals(sizes: &[Size]) -> Vec<(String, bool)> {
    let mut goals = Vec::new();
    let of = |rules: usize| sizes.iter().find(|size| size.rules == rules);
    if let Some(large) = of(100_000) {
        for (kind, decided) in &large.decisions {
            let text = format!("100,000 rules, {}: median at most 2,000 ns ({:.0})", named(*kind), decided.median);
            goals.push((text, decided.median <= 2_000.0));
        }
        let took = (large.load + large.compile).as_millis();
        goals.push((format!("100,000 rules loaded and compiled in at most 1,000 ms ({took})"), took <= 1_000));
    }
    if let (Some(small), Some(large)) = (of(100), of(100_000)) {
        for ((kind, few), (_, many)) in small.decisions.iter().zip(&large.decisions) {
            let times = many.median / few.median;
            let text = format!("{}: 100,000 rules take at most 3 times as long as 100 ({times:.1})", named(*kind));
            goals.push((text, times <= 3.0));
        }
    }
    if let Some(middle) = of(10_000) {
        let took = (middle.load + middle.compile).as_millis();
        goals.push((format!("10,000 rules loaded and compiled in at most 100 ms ({took})"), took <= 100));
    }
    goals
}

fn named(kind: Kind) -> &'static str {
    match kind {
        Kind::ByName => "by name",
        Kind::Resolved => "by name and address",
        Kind::ByAddress => "by address",
        Kind::Default => "default",
        Kind::ByClient => "by client",
    }
}
