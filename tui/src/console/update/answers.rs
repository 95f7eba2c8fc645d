//! What the daemon says, and where it belongs.

use serde_json::Value;
use wire::admin::{Killed, Push, Refusal, ViewOpened};

use super::rows;
use crate::console::app::App;
use crate::console::event::{About, Effect};
use crate::console::listing::Columns;
use crate::console::ui::{Overlay, Screen};
use crate::output::Kind;

const RULES: Columns = &[
    ("name", Kind::Text),
    ("action", Kind::Text),
    ("destinations", Kind::Text),
    ("ports", Kind::Text),
    ("protocols", Kind::Text),
    ("sources", Kind::Text),
    ("time", Kind::Text),
    ("priority", Kind::Count),
    ("description", Kind::Text),
];

const CHECKS: Columns = &[
    ("state", Kind::Text),
    ("name", Kind::Text),
    ("measured", Kind::Text),
    ("limit", Kind::Text),
    ("effect", Kind::Text),
    ("hint", Kind::Text),
];

pub(super) fn came(app: &mut App, about: About, answer: Result<Value, Refusal>) -> Vec<Effect> {
    match answer {
        Ok(answer) => fulfilled(app, about, answer),
        Err(refusal) => {
            refused(app, &about, &refusal);
            Vec::new()
        }
    }
}

fn fulfilled(app: &mut App, about: About, answer: Value) -> Vec<Effect> {
    match about {
        About::Ops => {
            let ops = answer.as_array().or(answer["ops"].as_array());
            let names = ops.into_iter().flatten().filter_map(|op| op.as_str().or(op["op"].as_str()));
            app.model.ops = names.map(str::to_owned).collect();
        }
        About::Window => {
            if let Ok(window) = serde_json::from_value::<ViewOpened>(answer) {
                return rows::opened(app, window);
            }
            app.ui.is_asking = false;
        }
        About::Detail(id) => app.model.detail = Some((id, answer)),
        About::KillDry => {
            if let Some(Overlay::Kill(dialog)) = &mut app.ui.overlay {
                dialog.meant = serde_json::from_value(answer).ok();
            }
        }
        About::Killed => {
            let killed: Killed = serde_json::from_value(answer).unwrap_or_default();
            app.ui.overlay = None;
            app.ui.marks.clear();
            app.ui.say(format!("ended {}, over before {}", killed.killed, killed.gone));
            app.ui.killed = Some(killed);
        }
        About::Listing => listed(app, &answer),
        About::Status => app.model.told_status(answer),
    }
    Vec::new()
}

fn listed(app: &mut App, answer: &Value) {
    let objects = |name: &str| answer.as_array().or(answer[name].as_array()).cloned().unwrap_or_default();
    match app.ui.screen {
        Screen::History => app.model.listing.fill(crate::past::COLUMNS, objects("rows")),
        Screen::Acl => app.model.listing.fill(RULES, objects("rules")),
        Screen::Health => app.model.listing.fill(CHECKS, objects("checks")),
        Screen::Overview | Screen::Sessions => {}
    }
}

fn refused(app: &mut App, about: &About, refusal: &Refusal) {
    let code = refusal.code;
    let why = format!("{code}: {}", refusal.msg);
    match about {
        About::Window => app.ui.is_asking = false,
        About::KillDry | About::Killed => app.ui.overlay = None,
        About::Listing => return app.model.listing.refused(why),
        About::Detail(_) if refusal.code == wire::admin::Code::NotFound => return,
        About::Ops | About::Status | About::Detail(_) => {}
    }
    app.ui.warn(why);
}

/// News of a subscription.
pub(super) fn pushed(app: &mut App, push: Push) -> Vec<Effect> {
    app.model.silent = 0;
    if push.t > 0.0 {
        app.model.now = push.t;
    }
    match push.ev.as_str() {
        "status" => app.model.told_status(push.d),
        "patch" if app.model.sessions.sub == Some(push.sub) => {
            if let Ok(patch) = serde_json::from_value(push.d) {
                app.model.sessions.apply(patch, push.t);
                return rows::patched(app);
            }
        }
        _ => {}
    }
    Vec::new()
}
