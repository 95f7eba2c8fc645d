//! Forms and questions: filled in by keys alone, never taken by Enter where they count.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use serde_json::json;

use super::{PLAIN, Stage};
use crate::console::app::App;
use crate::console::event::{About, Effect, Event};
use crate::console::form::{Entries, Entry, Form, Purpose, Question};
use crate::console::ui::Overlay;

const SIZE: (u16, u16) = (100, 30);

/// Gives everything that was filled in to the daemon.
#[derive(Debug)]
struct Give;

impl Purpose for Give {
    fn faults(&self, entries: &Entries) -> Vec<(&'static str, String)> {
        let is_missing = entries.text("name").is_empty();
        is_missing.then(|| ("name", "a name is needed".to_owned())).into_iter().collect()
    }

    fn preview(&self, entries: &Entries) -> Vec<String> {
        vec![format!("name = {:?}", entries.text("name"))]
    }

    fn command(&self, entries: &Entries) -> String {
        format!("rustsocks-cli give {}", entries.text("name"))
    }

    fn taken(&self, _app: &mut App, entries: &Entries) -> Vec<Effect> {
        let p = json!({
            "name": entries.text("name"), "secret": entries.secret("secret"), "action": entries.text("action"),
            "lines": entries.lines("lines"), "sure": entries.is_set("sure"),
        });
        vec![Effect::ask("test.give", &p, About::Ops)]
    }
}

fn stage(last: Entry) -> Stage {
    let mut stage = Stage::connected(SIZE, PLAIN);
    let entries = vec![
        Entry::text("name", "name", ""),
        Entry::secret("secret", "password"),
        Entry::choice("action", "action", &["allow", "block"], "allow"),
        Entry::list("lines", "destinations", &[]),
        Entry::check("sure", "surely", false),
        last,
    ];
    stage.app.ui.overlay = Some(Overlay::Form(Box::new(Form::new("Give", entries, Give))));
    stage.asked();
    stage
}

fn filled_in(stage: &mut Stage) {
    stage.keys("żółw");
    stage.key(KeyCode::Tab);
    stage.keys("canary-secret");
    stage.key(KeyCode::Tab);
    stage.key(KeyCode::Right);
    stage.key(KeyCode::Tab);
    stage.keys("10.0.0.0/8");
    stage.key(KeyCode::Enter);
    stage.keys("*.corp");
    stage.key(KeyCode::Enter);
    stage.key(KeyCode::Backspace);
    stage.key(KeyCode::Tab);
    stage.keys(" ");
}

#[test]
fn a_form_says_what_is_missing_and_gives_what_was_filled_in() {
    let mut stage = stage(Entry::button("give it"));
    for _ in 0..9 {
        stage.key(KeyCode::Tab);
    }
    stage.key(KeyCode::BackTab);
    assert!(stage.picture().contains("! a name is needed"), "{}", stage.picture());
    (0..4).for_each(|_| stage.key(KeyCode::Tab));
    filled_in(&mut stage);
    let picture = stage.picture();
    assert!(picture.contains("*************") && !picture.contains("canary"), "{picture}");
    assert!(picture.contains("same as: rustsocks-cli give"), "{picture}");
    stage.key(KeyCode::Tab);
    stage.key(KeyCode::Enter);
    let wanted = json!({
        "name": "żółw", "secret": "canary-secret", "action": "block", "lines": ["10.0.0.0/8", "*.corp"], "sure": true,
    });
    assert_eq!(stage.asked(), [("test.give", wanted)]);
    stage.key(KeyCode::Enter);
    assert_eq!(stage.asked(), [], "it is given once");
    stage.app.ui.answered(Err("conflict: somebody was faster"));
    assert!(stage.picture().contains("! conflict: somebody was faster"));
    stage.key(KeyCode::Enter);
    assert_eq!(stage.asked().len(), 1);
    stage.app.ui.answered(Ok("given"));
    assert!(stage.app.ui.overlay.is_none());
}

#[test]
fn a_form_that_counts_is_taken_by_its_word_alone() {
    let mut stage = stage(Entry::word("to go on", "apply"));
    filled_in(&mut stage);
    stage.key(KeyCode::Tab);
    stage.event(Event::Paste("apply".to_owned()), None);
    stage.key(KeyCode::Enter);
    stage.keys("appl");
    assert_eq!(stage.asked(), []);
    stage.keys("y");
    assert_eq!(stage.asked().len(), 1);
    stage.event(Event::Lost { why: "closed".to_owned(), attempt: 1, retry_ms: 250, is_refused: false }, None);
    assert!(stage.app.ui.overlay.is_none(), "it is not known whether it was done");
}

#[test]
fn a_word_that_was_of_no_use_is_typed_again_and_no_other_key_says_it() {
    let mut stage = stage(Entry::word("to go on", "apply"));
    stage.key(KeyCode::BackTab);
    stage.keys("apply");
    assert!(stage.picture().contains("! a name is needed"), "{}", stage.picture());
    stage.key(KeyCode::Tab);
    stage.keys("x");
    stage.key(KeyCode::BackTab);
    for code in [KeyCode::Left, KeyCode::Home, KeyCode::End, KeyCode::F(5)] {
        stage.key(code);
        assert_eq!(stage.asked(), [], "{code:?}");
    }
    stage.keys("apply");
    assert_eq!(stage.asked().len(), 1);
}

#[test]
fn no_form_shows_a_secret_to_whoever_writes_it_down() {
    let mut stage = stage(Entry::button("give it"));
    filled_in(&mut stage);
    assert!(!format!("{:?}", stage.app.ui.overlay).contains("canary"));
    let control_c = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
    (0..3).for_each(|_| stage.key(KeyCode::BackTab));
    stage.event(Event::Key(control_c), None);
    assert!(stage.app.ui.overlay.is_some() && !stage.picture().contains("***"), "{}", stage.picture());
    stage.key(KeyCode::Esc);
    assert!(stage.app.ui.overlay.is_none());
}

#[test]
fn a_question_is_answered_by_its_letter_or_its_word() {
    let ask = || {
        let deed = vec![Effect::ask("test.do", &json!({}), About::Ops)];
        Question::new("Do it?", vec!["It counts at once.".to_owned()], "rustsocks-cli do".to_owned(), deed)
    };
    let asked = |question: Question, keys: &str| {
        let mut stage = Stage::connected(SIZE, PLAIN);
        stage.asked();
        stage.app.ui.overlay = Some(Overlay::Question(Box::new(question)));
        assert!(stage.picture().contains("same as: rustsocks-cli do"));
        stage.key(KeyCode::Enter);
        stage.keys(keys);
        (stage.asked().len(), stage.app.ui.overlay.is_some())
    };
    assert_eq!(asked(ask(), "n"), (0, false));
    assert_eq!(asked(ask(), "yy"), (1, true));
    assert_eq!(asked(ask().by_word("24"), "y"), (0, true));
    assert_eq!(asked(ask().by_word("24"), "24"), (1, true));
}

/// Says more than fits on any screen.
#[derive(Debug)]
struct Long;

impl Purpose for Long {
    fn preview(&self, _: &Entries) -> Vec<String> {
        (1..=60).map(|number| format!("consequence {number}")).collect()
    }

    fn command(&self, _: &Entries) -> String {
        let ids: Vec<String> = (0..200).map(|id| format!("8f{id}")).collect();
        format!("rustsocks-cli sessions kill {}", ids.join(" "))
    }

    fn taken(&self, _: &mut App, _: &Entries) -> Vec<Effect> {
        Vec::new()
    }
}

#[test]
fn a_form_that_says_more_than_fits_is_read_to_its_end_and_keeps_its_fields() {
    for size in [(60, 16), (80, 24), (100, 30)] {
        let mut stage = Stage::connected(size, PLAIN);
        let options = ["the first of the choices", "another one", "and the last of all of them"];
        let entries = vec![Entry::choice("what", "a label of some length", &options, options[0]), Entry::button("go")];
        stage.app.ui.overlay = Some(Overlay::Form(Box::new(Form::new("Long", entries, Long))));
        stage.draw();
        let picture = stage.picture();
        assert!(picture.contains("a label of some length") && picture.contains("and the last of all of"), "{picture}");
        assert!(picture.contains("lines 1-") && picture.contains("of 60   PgDn"), "{picture}");
        (0..40).for_each(|_| stage.key(KeyCode::PageDown));
        assert!(stage.picture().contains("consequence 60"), "{}", stage.picture());
        stage.key(KeyCode::PageUp);
        assert!(!stage.picture().contains("consequence 60"), "no key is lost at the end: {}", stage.picture());
    }
}

#[test]
fn the_command_of_a_dialog_is_copied_whole() {
    let mut stage = Stage::connected(SIZE, PLAIN);
    stage.app.ui.overlay = Some(Overlay::Form(Box::new(Form::new("Long", vec![Entry::button("go")], Long))));
    stage.draw();
    assert!(stage.picture().contains("... Ctrl-Y copies all of it"), "{}", stage.picture());
    stage.effects.clear();
    stage.event(Event::Key(KeyEvent::new(KeyCode::Char('y'), KeyModifiers::CONTROL)), None);
    let [Effect::Copy(text)] = &*stage.effects else { panic!("{:?}", stage.effects) };
    assert!(text.starts_with("rustsocks-cli sessions kill 8f0 8f1 ") && text.ends_with(" 8f199"), "{text}");
    assert!(stage.app.ui.overlay.is_some(), "the form is still open");
}

#[test]
fn a_question_is_read_to_its_end_and_no_key_for_that_answers_it() {
    let mut stage = Stage::connected((60, 16), PLAIN);
    let lines = (1..=40).map(|number| format!("consequence {number}")).collect();
    let deed = vec![Effect::ask("test.do", &json!({}), About::Ops)];
    let question = Question::new("Do it?", lines, "rustsocks-cli do".to_owned(), deed);
    stage.app.ui.overlay = Some(Overlay::Question(Box::new(question)));
    stage.asked();
    stage.draw();
    (0..40).for_each(|_| stage.key(KeyCode::PageDown));
    assert!(stage.picture().contains("consequence 40"), "{}", stage.picture());
    stage.key(KeyCode::Up);
    assert!(stage.asked().is_empty() && stage.app.ui.overlay.is_some());
    stage.keys("y");
    assert_eq!(stage.asked().len(), 1);
}
