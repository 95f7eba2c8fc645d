//! What the values of properties are, by their names: the same in every answer.

/// By the kinds of a view's columns, the properties whose numbers are of that kind, wherever they stand.
const NAMED: [(&str, &[&str]); 3] = [
    ("bytes", &["up", "down", "up24", "down24", "burst", "rss", "memory_limit"]),
    (
        "rate",
        &[
            "rate",
            "rup",
            "rdown",
            "up_rate",
            "down_rate",
            "ceiling_up",
            "ceiling_down",
            "guaranteed",
            "using_up",
            "using_down",
        ],
    ),
    ("seconds", &["idle", "left"]),
];

/// The kind of a number in a property of this name, as a view calls it, or `megabits`; nothing of one without a unit.
#[must_use]
pub fn unit(property: &str) -> Option<&'static str> {
    let words = || property.split('_');
    match words().next_back() {
        Some("s" | "secs") => return Some("seconds"),
        Some("mbps") => return Some("megabits"),
        _ => {}
    }
    let named = NAMED.iter().find(|(_, names)| names.contains(&property)).map(|(kind, _)| *kind);
    named.or_else(|| words().any(|word| word == "bytes").then_some("bytes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_what_its_value_is() {
        for (name, kind) in [
            ("up", Some("bytes")),
            ("bytes_received", Some("bytes")),
            ("using_up", Some("rate")),
            ("up_s", Some("seconds")),
            ("duration_secs", Some("seconds")),
            ("bandwidth_limit_mbps", Some("megabits")),
            ("sessions", None),
            ("megabytes", None),
        ] {
            assert_eq!(unit(name), kind, "{name}");
        }
    }
}
