//! Reloads as the monitor leads them: one at a time, from signals and changed files, and nothing that was refused outlives its worker.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use nix::sys::signal::Signal;
use tempfile::TempDir;

use crate::toy::{Toy, ask, send_signal, wait_until, worker};

/// A toy that works by the text of a file.
struct Scene {
    toy: Toy,
    address: std::net::SocketAddr,
    directory: TempDir,
}

impl Scene {
    fn begin() -> Self {
        Self::with(&[])
    }

    /// Reloads only when it is told to.
    fn without_watch() -> Self {
        Self::with(&["watch_files=false"])
    }

    fn with(arguments: &[&str]) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("text");
        fs::write(&path, "beginning").expect("written");
        let text = format!("text={}", path.display());
        let (toy, address) = Toy::serving(&[&[&*text], arguments].concat());
        let scene = Self { toy, address, directory };
        assert_eq!(scene.text(), "beginning");
        scene
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("text")
    }

    fn write(&self, text: &str) {
        fs::write(self.path(), text).expect("written");
    }

    fn text(&self) -> String {
        ask(self.address, "text").expect("answered")
    }

    fn hang_up(&mut self) {
        self.toy.signal(Signal::SIGHUP);
    }

    /// Has the worker pass an order on.
    fn order(&self, order: &str) {
        assert_eq!(ask(self.address, &format!("order {order}")).expect("answered"), "sent");
    }

    /// Kills the worker, and waits for its successor.
    fn replace_worker(&mut self) {
        send_signal(worker(self.address), Signal::SIGKILL);
        self.toy.wait_for("the worker died");
        self.toy.wait_for("worker ready");
    }
}

#[test]
fn a_text_that_was_taken_is_given_to_the_next_worker_too() {
    let mut scene = Scene::begin();
    scene.write("next");
    scene.hang_up();
    scene.toy.wait_for("settled taken=[Users]");
    assert_eq!(scene.text(), "next");
    scene.replace_worker();
    assert_eq!(scene.text(), "next");
}

#[test]
fn a_text_that_was_refused_is_not() {
    let mut scene = Scene::begin();
    scene.write("bad news");
    scene.hang_up();
    scene.toy.wait_for("settled taken=[]");
    assert_eq!(scene.text(), "beginning");
    scene.replace_worker();
    assert_eq!(scene.text(), "beginning");
}

#[test]
fn a_file_that_cannot_be_read_is_told_with_its_reason() {
    let mut scene = Scene::begin();
    fs::remove_file(scene.path()).expect("removed");
    scene.hang_up();
    let told = scene.toy.wait_for("told to reload");
    assert!(told.contains("No such file"), "{told}");
    scene.toy.wait_for("settled taken=[]");
    scene.replace_worker();
    assert_eq!(scene.text(), "beginning");
}

#[test]
fn a_worker_that_dies_of_a_text_does_not_hand_it_on() {
    let mut scene = Scene::begin();
    scene.write("deadly");
    scene.hang_up();
    scene.toy.wait_for("the worker died while it reloaded");
    scene.toy.wait_for("worker ready");
    assert_eq!(scene.text(), "beginning");
    scene.write("harmless");
    scene.hang_up();
    scene.toy.wait_for("settled taken=[Users]");
    assert_eq!(scene.text(), "harmless");
}

#[test]
fn signals_during_a_reload_are_one_more_reload_of_what_is_there_then() {
    let mut scene = Scene::begin();
    scene.write("slow one");
    scene.hang_up();
    scene.toy.wait_for("told to reload generation=2");
    for text in ["never seen", "seen"] {
        scene.write(text);
        scene.hang_up();
        scene.hang_up();
    }
    scene.toy.wait_for("told to reload generation=3");
    scene.toy.wait_for("settled taken=[Users]");
    wait_until("the last text is taken", || scene.text() == "seen");
    scene.toy.signal(Signal::SIGTERM);
    let (code, log) = scene.toy.end();
    assert_eq!(code, Some(0));
    // The end came before a fourth, if there was to be one: every signal was heard before the third was told.
    assert!(!log.contains("told to reload generation=4"), "{log}");
}

#[test]
fn an_order_is_answered_with_its_ticket_and_reads_no_more_than_it_says() {
    let mut scene = Scene::without_watch();
    scene.write("next");
    scene.order("7 rules");
    let told = scene.toy.wait_for("ordered");
    assert!(told.contains("trigger=\"operator\" extent=\"rules\" ticket=7"), "{told}");
    scene.toy.wait_for("settled taken=[]");
    assert_eq!(scene.text(), "beginning");
    scene.order("8 everything");
    let told = scene.toy.wait_for("ordered");
    assert!(told.contains("extent=\"everything\" ticket=8"), "{told}");
    scene.toy.wait_for("settled taken=[Users]");
    assert_eq!(scene.text(), "next");
}

#[test]
fn orders_during_a_reload_become_one_of_each_extent_with_the_last_ticket() {
    let mut scene = Scene::without_watch();
    let end = scene.path().with_file_name("end");
    scene.write(&format!("until {}", end.display()));
    scene.hang_up();
    scene.toy.wait_for("told to reload generation=2");
    for order in ["1 rules", "2 everything", "3 everything", "4 rules", "5 everything"] {
        scene.order(order);
    }
    fs::write(&end, "").expect("written");
    for expected in ["extent=\"rules\" ticket=4", "extent=\"everything\" ticket=5"] {
        let told = scene.toy.wait_for("ordered");
        assert!(told.contains(expected), "{told}");
    }
    scene.toy.signal(Signal::SIGTERM);
    let (code, log) = scene.toy.end();
    assert_eq!((code, log.matches("ordered").count()), (Some(0), 3), "{log}");
}

#[test]
fn an_order_outlives_the_worker_that_passed_it_on_but_its_ticket_does_not() {
    let mut scene = Scene::without_watch();
    scene.write("until /nothing/is/ever/here");
    scene.hang_up();
    scene.toy.wait_for("told to reload");
    scene.order("9 everything");
    scene.write("next");
    send_signal(worker(scene.address), Signal::SIGKILL);
    scene.toy.wait_for("the worker died while it reloaded");
    let told = scene.toy.wait_for("ordered");
    assert!(told.contains("trigger=\"operator\" extent=\"everything\" ticket=0"), "{told}");
}

#[test]
fn other_rules_are_written_and_read_and_what_cannot_be_written_is_answered() {
    let mut scene = Scene::without_watch();
    let ask_for = |scene: &Scene, order: &str| {
        assert_eq!(ask(scene.address, &format!("rules {order}")).expect("answered"), "sent");
    };
    ask_for(&scene, "3 1 allow all");
    let written = scene.toy.wait_for("rules written");
    assert!(written.contains("allow all"), "{written}");
    let told = scene.toy.wait_for("ordered");
    assert!(told.contains("trigger=\"operator\" extent=\"rules\" ticket=3"), "{told}");
    scene.toy.wait_for("settled taken=[]");
    for (order, reason) in [("4 2 allow none", "the file says something else"), ("5 1 unsealed", "no sealed file")] {
        ask_for(&scene, order);
        let told = scene.toy.wait_for("told to reload");
        assert!(told.contains(reason), "{told}");
    }
    scene.toy.signal(Signal::SIGTERM);
    let (code, log) = scene.toy.end();
    assert_eq!((code, log.matches("rules written").count()), (Some(0), 1), "{log}");
}

#[test]
fn a_changed_file_is_a_reload_and_a_touched_one_is_not() {
    let mut scene = Scene::begin();
    scene.write("by itself");
    let told = scene.toy.wait_for("told to reload generation=2");
    assert!(told.contains("by itself"), "{told}");
    scene.toy.wait_for("settled taken=[Users]");
    let file = fs::File::options().append(true).open(scene.path()).expect("it is there");
    file.set_modified(SystemTime::now()).expect("it is ours");
    std::thread::sleep(Duration::from_secs(4));
    scene.write("once more");
    let told = scene.toy.wait_for("told to reload");
    assert!(told.contains("generation=3") && told.contains("once more"), "{told}");
}

#[test]
fn without_a_watch_a_changed_file_is_rehearsed_and_nothing_comes_of_it() {
    let mut scene = Scene::without_watch();
    scene.write("next");
    let told = scene.toy.wait_for("told to rehearse");
    assert!(told.contains("next"), "{told}");
    assert_eq!(scene.text(), "beginning");
    // What was rehearsed is not what the worker works by: only a reload makes it that.
    scene.hang_up();
    scene.toy.wait_for("settled taken=[Users]");
    assert_eq!(scene.text(), "next");
}

#[test]
fn the_successor_of_a_worker_is_told_what_the_files_say_that_is_not_in_force() {
    let mut scene = Scene::without_watch();
    scene.write("bad news");
    scene.hang_up();
    scene.toy.wait_for("settled taken=[]");
    scene.replace_worker();
    let successor = worker(scene.address);
    let is_told = format!("told to rehearse worker={successor} ");
    let told = scene.toy.wait_for(&is_told);
    assert!(told.contains("bad news"), "{told}");
    assert_eq!(scene.text(), "beginning");
}
