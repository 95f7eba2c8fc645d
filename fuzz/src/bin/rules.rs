//! A rule file: problems instead of panics, and what loads can be compiled, asked about and told apart.
#![no_main]

use std::sync::Arc;

use acl::{
    AuthMethod, Command, Destination, Guard, LocalMinute, PrivateByName, Request, Ruleset, Services, Target, View, Who,
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let Ok(policy) = config::rules::load("fuzz.toml", text, &|_| true) else { return };
    let rules = Arc::new(Ruleset::new(policy, PrivateByName::Admitted));
    assert!(rules.memory() > 0);
    let moment = rules.moment(1_800_000_000, |_| LocalMinute::new(2, 600));
    for id in rules.rules() {
        let rule = rules.rule(id);
        let owner = rules.owner(id);
        let (kind, name) = owner.split_once('/').expect("users/… or groups/…");
        let view = match kind {
            "groups" => View::new(&rules, Who::Anonymous, [name]),
            _ => View::new(&rules, Who::User(name), []),
        };
        let port = rule.ports.spans()[0].0;
        for destination in rule.destinations.iter().filter_map(asked) {
            let request = Request {
                target: Target::of(&destination),
                port,
                command: Command::Connect,
                source: None,
                method: AuthMethod::None,
                moment: &moment,
                services: Services::default(),
            };
            let decided = view.decide(&request, &Guard::default());
            assert_eq!(decided, view.decide(&request, &Guard::default()));
        }
    }
});

/// Something that fits the destination, where that is easily said.
fn asked(pattern: &acl::Pattern) -> Option<Destination> {
    let text = pattern.to_string();
    let bare = text.split('/').next().unwrap_or_default().replace('*', "x");
    Destination::parse_name(bare.as_bytes()).ok()
}
