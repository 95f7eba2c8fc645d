//! How many rows are meant by what is being said: counted by the daemon, while it is said.

use filter::Filter;
use serde_json::{Value, json};
use wire::admin::Refusal;

use super::{Palette, begun};
use crate::console::app::App;
use crate::console::event::{About, Effect};
use crate::console::live::View;
use crate::console::model::{Link, number};
use crate::console::screen::Screen;
use crate::console::ui::Overlay;

/// The longest time between two looks of a view that is closed at once.
const NEVER_MS: u64 = 60_000;

/// What was counted last.
#[derive(Debug, Default)]
pub(crate) struct Count {
    /// Of what, and what came of it: how many are meant, of how many. One question is under way at most.
    of: Option<(View, String)>,
    rows: Option<(u64, u64)>,
    is_asked: bool,
}

impl Count {
    /// How many of how many rows of this table an expression means, as far as that is known.
    pub(super) fn rows(&self, view: View, expr: &str) -> Option<(u64, u64)> {
        let is_of_it = |(of, said): &(View, String)| *of == view && said == expr;
        self.rows.filter(|_| self.of.as_ref().is_some_and(is_of_it))
    }
}

/// Has the rows counted that are meant by now, unless an answer is on its way.
pub(crate) fn recount(app: &mut App) -> Vec<Effect> {
    let Some(Overlay::Palette(palette)) = &app.ui.overlay else { return Vec::new() };
    let Some((view, expr)) = meant(palette).filter(|_| app.model.link == Link::Live) else { return Vec::new() };
    let count = &mut app.names.count;
    if std::mem::replace(&mut count.is_asked, true) {
        return Vec::new();
    }
    let p = json!({ "of": view.name(), "filter": expr, "win": { "off": 0, "len": 0 }, "every_ms": NEVER_MS });
    vec![Effect::ask("view.open", &p, About::Counted(view, expr))]
}

/// The daemon has counted; if something else is said by now, it counts again.
pub(crate) fn counted(app: &mut App, (view, expr): (View, String), answer: Result<Value, Refusal>) -> Vec<Effect> {
    let count = &mut app.names.count;
    count.is_asked = false;
    // The palette is no place to say why something cannot be counted.
    let Ok(answer) = answer else { return Vec::new() };
    let is_still_meant = matches!(&app.ui.overlay, Some(Overlay::Palette(palette)) if meant(palette).as_ref() == Some(&(view, expr.clone())));
    count.rows = Some((number(&answer["matched"]), number(&answer["total"])));
    count.of = Some((view, expr));
    let close = Effect::ask("view.close", &json!({ "sub": answer["sub"] }), About::Own(Screen::Sessions, "closed"));
    let again = if is_still_meant { Vec::new() } else { recount(app) };
    [close].into_iter().chain(again).collect()
}

/// The table whose rows are meant, and the expression that means them, if it makes sense.
fn meant(palette: &Palette) -> Option<(View, String)> {
    let said = palette.said.text();
    let (phrase, object) = begun(&said)?;
    let (view, expr) = (phrase.counts?, object.trim());
    Filter::parse(expr, view.fields()).is_ok().then(|| (view, expr.to_owned()))
}
