//! What other rules would change, in a few lines.

use serde_json::Value;

use crate::output::raw;
use crate::shown::count;

/// Those who are in, then those who were, if they were asked about.
pub(crate) fn lines(answer: &Value) -> Vec<String> {
    let mut lines = of("live sessions", &answer["live"]);
    if let Some(hours) = answer["past"]["hours"].as_u64() {
        lines.push(String::new());
        lines.extend(of(&format!("sessions of the last {hours} h"), &answer["past"]));
    }
    lines
}

fn of(whose: &str, effect: &Value) -> Vec<String> {
    let number = |name: &str| effect[name].as_u64().unwrap_or(0);
    let mut lines = vec![format!("{} {whose} judged", count(number("evaluated")))];
    let what = [
        ("same verdict", "same"),
        ("another rule credited", "other_rule"),
        ("now denied", "now_denied"),
        ("now allowed", "now_allowed"),
    ];
    lines.extend(what.into_iter().map(|(words, name)| format!("  {words:<24}{}", count(number(name)))));
    for user in effect["by_user"].as_array().into_iter().flatten().take(5) {
        let of = |name: &str| count(user[name].as_u64().unwrap_or(0));
        lines.push(format!("    {:<22}{} denied, {} allowed", raw(&user["user"]), of("now_denied"), of("now_allowed")));
    }
    match (number("mine"), number("mine_denied")) {
        (0, _) => {}
        (mine, 0) => lines.push(format!("  {:<24}{}, none of them denied", "from where you are", count(mine))),
        (mine, denied) => lines.push(format!("! from where you are: {} of {} denied", count(denied), count(mine))),
    }
    lines
}
