//! Back to where the operator was, and forward again.

use super::enter;
use crate::console::app::App;
use crate::console::event::Effect;
use crate::console::screens::room;
use crate::console::trail::Place;

/// To the place before.
pub(super) fn back(app: &mut App) -> Vec<Effect> {
    let Some(place) = app.trail.behind.pop() else {
        app.ui.say("this is where it began");
        return Vec::new();
    };
    app.trail.ahead.push(Place::here(app));
    resumed(app, place)
}

/// To the place from which somebody went back.
pub(super) fn forward(app: &mut App) -> Vec<Effect> {
    let Some(place) = app.trail.ahead.pop() else {
        app.ui.say("nothing was gone back from");
        return Vec::new();
    };
    app.trail.behind.push(Place::here(app));
    resumed(app, place)
}

/// Everything is as it was when the place was left; what it shows is asked for anew.
fn resumed(app: &mut App, place: Place) -> Vec<Effect> {
    let Place { screen, pane, aims, own } = place.clone();
    app.trail.here = Some(place);
    let mut open = Vec::new();
    for (view, aim) in aims {
        let live = app.live_mut(view);
        live.aim_at(aim);
        open.extend(live.table.sub.map(|_| view));
    }
    room(screen).resumed(app, &own);
    let mut effects = enter(app, screen);
    let here = room(screen);
    let is_there = pane < here.panes() || here.aside() == Some(pane) && here.keeps_aside(app);
    app.ui.pane = if is_there { pane } else { 0 };
    for view in open {
        let visible = super::answers::visible(app, view);
        effects.extend(app.live_mut(view).ask(visible));
    }
    effects
}
