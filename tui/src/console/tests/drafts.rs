//! Drafts: nothing that somebody wrote is lost, and nothing that somebody else put in force is taken back unseen.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use serde_json::json;
use wire::admin::{Code, Refusal};

use super::rules::{self, TEXT, changed, draft, effect, ops, stage, stage_with_draft, state};
use super::{PLAIN, Stage};
use crate::console::event::{About, Effect, Event};
use crate::console::screens::acl::{AUTOSAVE, Topic};
use crate::console::ui::Overlay;

const EDITED: &str = "# mine\n";

/// The editor was left with this text on generation 41.
fn edit(stage: &mut Stage) {
    stage.keys("T");
    stage.effects.clear();
    stage.event(Event::Edited(AUTOSAVE, Ok(format!("#! base 41\n{EDITED}"))), None);
}

fn refuse(stage: &mut Stage, topic: Topic, code: Code) {
    stage.event(Event::Answer(1, Err(Refusal::new(code, "no"))), Some(About::Acl(topic)));
}

fn lose(stage: &mut Stage) {
    stage.event(Event::Lost { why: "closed".to_owned(), attempt: 1, retry_ms: 250, is_refused: false }, None);
}

/// Drafts that the daemon has are told, and whether a question is asked about them.
fn is_offered(stage: &mut Stage, drafts: serde_json::Value) -> bool {
    stage.answer(About::Acl(Topic::Drafts), drafts);
    stage.asked();
    matches!(stage.app.ui.overlay, Some(Overlay::Question(_)))
}

fn aside() -> Effect {
    Effect::SetAside { name: "console-draft-acl.toml", text: format!("#! base 41\n{EDITED}") }
}

#[test]
fn what_was_written_on_a_generation_builds_on_it_whatever_came_meanwhile() {
    let mut stage = stage();
    stage.keys("T");
    // Somebody else's rules are in force before the editor is left.
    stage.push(9, "policy", state(42));
    stage.answer(About::Acl(Topic::Running), json!({ "text": TEXT.replace("deny", "allow"), "gen": 42 }));
    stage.asked();
    stage.event(Event::Edited(AUTOSAVE, Ok(format!("#! base 41\n{EDITED}"))), None);
    assert_eq!(stage.asked(), [("txn.draft.open", json!({ "store": "acl", "base": 41, "text": EDITED }))]);
    stage.answer(About::Acl(Topic::Draft), draft(EDITED));
    assert!(stage.picture().contains("CONFLICT"));
}

#[test]
fn a_place_is_one_in_the_text_that_is_seen() {
    let mut stage = stage();
    stage.keys("jj\te");
    stage.push(9, "policy", state(42));
    // What is seen behind the form is another text by now.
    stage.answer(About::Acl(Topic::Running), json!({ "text": TEXT, "gen": 42 }));
    stage.asked();
    (0..6).for_each(|_| stage.key(KeyCode::Tab));
    stage.key(KeyCode::Enter);
    assert_eq!(stage.asked(), [("txn.draft.open", json!({ "store": "acl", "base": 41 }))]);
    stage.key(KeyCode::Esc);
    refuse(&mut stage, Topic::Opened, Code::Busy);
    // In force by now, and not seen yet.
    stage.push(9, "policy", state(43));
    stage.asked();
    stage.keys("d");
    assert_eq!(stage.asked(), [("txn.draft.open", json!({ "store": "acl", "base": 42 }))]);
}

#[test]
fn one_change_is_made_after_the_other() {
    let mut stage = stage();
    stage.keys("jj\td");
    stage.asked();
    for key in ["d", "e", "a", ">", "u", "T", "X", "A"] {
        stage.keys(key);
        assert_eq!((stage.asked(), stage.app.ui.overlay.is_none()), (Vec::new(), true), "{key}");
        assert!(stage.picture().contains("one moment"), "{key}: {}", stage.picture());
    }
    stage.answer(About::Acl(Topic::Opened), draft(TEXT));
    assert_eq!(stage.asked()[0].1["ops"], json!([{ "op": "rule.del", "ref": "users/alice#1" }]));
    stage.keys("d");
    assert_eq!(stage.asked(), []);
    stage.answer(About::Acl(Topic::Draft), draft(TEXT));
    stage.asked();
    stage.keys("d");
    assert_eq!(ops(&stage.asked()), ["txn.draft.op"]);
}

#[test]
fn a_change_whose_daemon_is_lost_is_given_up_and_not_made_later() {
    let mut stage = stage();
    stage.keys("jj\td");
    lose(&mut stage);
    assert!(stage.picture().contains("before the change was made"), "{}", stage.picture());
    stage.keys("d");
    assert!(stage.picture().contains("nothing was done"), "{}", stage.picture());
    stage.meet("6f1c9a2e");
    stage.asked();
    stage.keys("e");
    assert!(matches!(stage.app.ui.overlay, Some(Overlay::Form(_))), "the next one can be made");
    stage.key(KeyCode::Esc);
    stage.answer(About::Acl(Topic::Draft), draft(TEXT));
    assert_eq!(ops(&stage.asked()), ["txn.validate"]);
}

#[test]
fn an_edited_text_survives_whatever_becomes_of_its_way_to_the_daemon() {
    // The daemon was started anew while the editor was open, which is heard of later.
    let mut stage = stage_with_draft();
    edit(&mut stage);
    assert_eq!(ops(&stage.asked()), ["txn.draft.put"]);
    lose(&mut stage);
    stage.meet("another");
    stage.asked();
    assert!(is_offered(&mut stage, json!([])));
    stage.keys("y");
    assert_eq!(stage.asked(), [("txn.draft.open", json!({ "store": "acl", "base": 41, "text": EDITED }))]);
    stage.answer(About::Acl(Topic::Draft), draft(EDITED));
    assert!(!stage.effects.contains(&aside()), "it is the draft");

    // It has forgotten the draft.
    let mut stage = stage_with_draft();
    edit(&mut stage);
    stage.asked();
    refuse(&mut stage, Topic::Draft, Code::NotFound);
    assert_eq!(stage.asked(), [("txn.draft.open", json!({ "store": "acl", "base": 41, "text": EDITED }))]);

    // It does not take the text; the draft goes on without it.
    let mut stage = stage_with_draft();
    edit(&mut stage);
    refuse(&mut stage, Topic::Draft, Code::TooLarge);
    stage.keys("u");
    stage.answer(About::Acl(Topic::Draft), draft(&changed()));
    assert!(stage.effects.contains(&aside()));
}

#[test]
fn a_text_that_is_not_gone_on_with_is_set_aside_by_the_next_draft() {
    let kept = || {
        let mut stage = stage();
        stage.app.acl.kept = Some((41, EDITED.to_owned()));
        assert!(is_offered(&mut stage, json!([])));
        stage.keys("x");
        assert!(is_offered(&mut stage, json!([])), "it is asked again");
        stage.keys("x");
        stage
    };
    let mut stage = kept();
    stage.keys("jj\td");
    stage.answer(About::Acl(Topic::Opened), draft(TEXT));
    let first = stage.effects.iter().position(|effect| *effect == aside());
    let kept_anew = stage.effects.iter().position(|effect| matches!(effect, Effect::Keep { .. }));
    assert!(first.is_some() && kept_anew.is_none_or(|then| first < Some(then)), "{:?}", stage.effects);
    let mut stage = kept();
    stage.keys("T");
    assert!(matches!(&stage.effects[..], [.., first, Effect::Edit { .. }] if *first == aside()), "{:?}", stage.effects);
}

#[test]
fn an_editor_goes_on_with_its_text_while_there_is_no_daemon() {
    let mut stage = stage();
    stage.keys("T");
    lose(&mut stage);
    stage.event(Event::Edited(AUTOSAVE, Ok(format!("#! base 41\n{EDITED}"))), None);
    stage.effects.clear();
    stage.keys("T");
    let text = format!("#! base 41\n{EDITED}");
    assert_eq!(stage.effects, [Effect::Edit { name: "console-draft-acl.toml", text }]);
}

#[test]
fn nothing_is_offered_in_place_of_what_somebody_is_writing() {
    let mine = |text: &str| json!([{ "draft": 7, "base": 41, "by": "anna", "text": text }]);
    let mut stage = stage();
    stage.app.acl.kept = Some((41, EDITED.to_owned()));
    // It was asked about before the operator went elsewhere, where y means something else.
    stage.keys("2");
    assert!(!is_offered(&mut stage, json!([])));
    stage.keys("4");
    // Another console of the same name writes something else: both stay.
    assert!(is_offered(&mut stage, mine("# another's")));
    assert!(stage.picture().contains("Draft 7 that the daemon has says something else, and stays."));
    stage.keys("y");
    assert_eq!(ops(&stage.asked()), ["txn.draft.open"]);
    stage.answer(About::Acl(Topic::Discarded), json!(null));
    // The daemon has it: it is gone on with there.
    stage.app.acl.kept = Some((41, EDITED.to_owned()));
    assert!(is_offered(&mut stage, mine(EDITED)));
    stage.keys("y");
    assert_eq!(stage.asked(), [("txn.draft.get", json!({ "store": "acl", "draft": 7 }))]);
    // What is in force by now is no draft.
    let mut stage = rules::stage();
    stage.app.acl.kept = Some((41, TEXT.to_owned()));
    assert!(!is_offered(&mut stage, json!([])));
}

#[test]
fn a_question_about_a_draft_is_over_with_the_run_that_knows_it() {
    let questions: [fn(&mut Stage); 3] = [
        |stage| stage.keys("X"),
        |stage| {
            stage.keys("A");
            stage.answer(About::Acl(Topic::ToApply), effect());
        },
        |stage| stage.keys("jj\te"),
    ];
    for ask in questions {
        let mut stage = stage_with_draft();
        ask(&mut stage);
        assert!(stage.app.ui.overlay.is_some());
        lose(&mut stage);
        stage.meet("6f1c9a2e");
        assert!(stage.app.ui.overlay.is_some(), "the same run knows it");
        stage.meet("another");
        assert!(stage.app.ui.overlay.is_none());
    }
}

#[test]
fn whether_to_apply_is_asked_with_the_numbers_of_the_draft_where_it_is_wanted() {
    let mut stage = stage_with_draft();
    stage.keys("A");
    // The answer to an earlier question, about a generation.
    stage.answer(About::Acl(Topic::Effect), effect());
    assert!(stage.app.ui.overlay.is_none());
    stage.keys("2");
    stage.answer(About::Acl(Topic::ToApply), effect());
    assert!(stage.app.ui.overlay.is_none(), "not on another screen");
    stage.keys("4A?");
    stage.answer(About::Acl(Topic::ToApply), effect());
    assert!(matches!(stage.app.ui.overlay, Some(Overlay::Help { .. })), "nor over something else");
    stage.key(KeyCode::Esc);
    stage.keys("A");
    stage.answer(About::Acl(Topic::ToApply), effect());
    assert!(matches!(stage.app.ui.overlay, Some(Overlay::Form(_))));
}

#[test]
fn a_draft_stays_with_its_daemon() {
    let mut stage = stage_with_draft();
    let socket = stage.app.socket.clone();
    stage.event(Event::Lost { why: "closed".to_owned(), attempt: 1, retry_ms: 250, is_refused: false }, None);
    stage.effects.clear();
    stage.keys("o");
    stage.event(Event::Key(KeyEvent::new(KeyCode::Char('u'), KeyModifiers::CONTROL)), None);
    stage.keys("/tmp/other.sock\t");
    stage.key(KeyCode::Enter);
    assert_eq!(stage.effects, [Effect::Elsewhere("/tmp/other.sock".to_owned())]);
    assert!(stage.app.acl.draft.is_none() && stage.app.acl.kept.is_none(), "it is another one's");
    assert_ne!(stage.app.socket, socket);
    stage.effects.clear();
    stage.meet("00000002");
    stage.answer(About::Ops, json!({ "ops": [{ "op": "txn.get" }, { "op": "txn.sub" }] }));
    assert!(stage.asked().iter().all(|(op, _)| *op != "txn.draft.open"), "nothing is opened there");
}

#[test]
fn a_draft_of_the_configuration_that_was_kept_is_there_again() {
    let mut stage = Stage::connected((100, 30), PLAIN);
    stage.app.config.kept = Some((7, "[server]\n".to_owned()));
    stage.asked();
    stage.keys("9");
    let asked = stage.asked();
    let judged = asked.iter().find(|(op, _)| *op == "txn.validate").expect("it is judged");
    assert_eq!(judged.1, json!({ "store": "config", "text": "[server]\n" }));
    let picture = stage.picture();
    assert!(picture.contains("kept on this machine: e goes on") && picture.contains("DRAFT"), "{picture}");
}
