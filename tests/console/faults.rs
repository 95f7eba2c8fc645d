//! A daemon that breaks off, stalls, loses, repeats and refuses, under the console: it goes on, and no order is given twice.

use rig::target::tunnel;
use rig::wire::Wire;
use serde_json::{Value, json};

use crate::meddler::{Meddler, Mischief};
use crate::screen::Screen;
use crate::walks::house;
use crate::{daemon, socket, wait_for_sessions};

const USUAL: (u16, u16) = (100, 30);

/// A console that shows the only session of a daemon, with a meddler between them.
struct Scene {
    service: rig::service::Service,
    meddler: Meddler,
    screen: Screen,
    client: Wire,
    far: Wire,
}

impl Scene {
    fn opens() -> Self {
        let service = daemon();
        let (client, far) = tunnel(service.addr());
        wait_for_sessions(&socket(&service), 1);
        let meddler = Meddler::on(&socket(&service));
        let mut screen = Screen::open(&meddler.socket(), USUAL, &[]);
        screen.wait_for("[1 Overview]");
        screen.type_in("2");
        screen.wait_for("Sessions 1/1");
        Self { service, meddler, screen, client, far }
    }

    /// Gives the order to end the session, as far as its last letter.
    fn asks_to_end_it(&mut self) {
        self.screen.type_in("K");
        self.screen.wait_for("End 1 session?");
    }

    /// The orders to end something that were given, without those that only count.
    fn orders(&self) -> Vec<Value> {
        self.meddler.asked("sessions.kill").into_iter().filter(|p| p["dry"] != true).collect()
    }

    fn is_still_in(&mut self) {
        self.client.send(b"still here");
        assert_eq!(self.far.receive_all(10), b"still here");
    }

    fn ends(mut self) {
        self.screen.type_in("q");
        assert!(self.screen.wait_for_end().success());
    }
}

#[test]
fn a_conversation_that_breaks_off_anywhere_is_begun_anew() {
    let mut scene = Scene::opens();
    for mischief in [Mischief::Cut, Mischief::Huge, Mischief::Babble] {
        let before = scene.meddler.asked("hello").len();
        scene.meddler.does(mischief);
        scene.meddler.has_done_it();
        let again = || scene.meddler.asked("hello").len() > before;
        assert!(rig::wait::eventually(rig::wait::PATIENCE, again), "{mischief:?}");
        scene.screen.wait_until("it is shown again", |text| {
            text.contains("Sessions 1/1") && text.contains("LIVE") && !text.contains("Disconnected")
        });
    }
    scene.is_still_in();
    scene.ends();
}

#[test]
fn a_daemon_that_says_nothing_is_shown_to_be_slow_and_goes_on_where_it_was() {
    let mut scene = Scene::opens();
    scene.meddler.stalls(true);
    scene.screen.wait_for("SLOW");
    // Whoever looks can go on looking.
    scene.screen.type_in("?");
    scene.screen.wait_for("search:");
    scene.screen.type_in("\x1b");
    scene.meddler.stalls(false);
    scene.screen.wait_until("it goes on", |text| text.contains("LIVE") && !text.contains("search:"));
    assert_eq!(scene.meddler.asked("hello").len(), 1, "the conversation is the same");
    scene.ends();
}

#[test]
fn lost_patches_are_made_up_for_by_a_whole_window() {
    let mut scene = Scene::opens();
    let before = scene.meddler.asked("view.set").len();
    scene.meddler.does(Mischief::Gap);
    // What the patch would have said.
    let (_second, _its_far) = tunnel(scene.service.addr());
    scene.meddler.has_done_it();
    scene.screen.wait_for("Sessions 2/2");
    assert!(scene.meddler.asked("view.set").len() > before, "it was asked for");
    scene.ends();
}

#[test]
fn an_order_that_is_refused_is_not_repeated_and_can_be_given_again() {
    let mut scene = Scene::opens();
    scene.asks_to_end_it();
    scene.meddler.does(Mischief::Busy("sessions.kill"));
    scene.screen.type_in("y");
    scene.screen.wait_for("busy");
    assert_eq!(scene.orders().len(), 1);
    scene.is_still_in();
    scene.asks_to_end_it();
    scene.screen.type_in("y");
    scene.screen.wait_for("ended 1");
    assert_eq!(scene.orders().len(), 2);
    scene.ends();
}

#[test]
fn an_order_whose_answer_is_lost_is_given_once() {
    let mut scene = Scene::opens();
    scene.asks_to_end_it();
    let before = scene.meddler.asked("hello").len();
    scene.meddler.does(Mischief::CutBeforeAnswer("sessions.kill"));
    scene.screen.type_in("y");
    scene.screen.wait_for("the answer to the order was lost");
    scene.screen.wait_for("Sessions 0/0");
    assert!(scene.meddler.asked("hello").len() > before, "there is another conversation");
    assert_eq!(scene.orders().len(), 1, "and nothing was ordered in it");
    scene.ends();
}

#[test]
fn another_run_of_the_daemon_takes_an_order_that_was_not_given_with_it() {
    let mut scene = Scene::opens();
    scene.asks_to_end_it();
    scene.meddler.claims_to_be("another");
    scene.meddler.does(Mischief::Cut);
    scene.screen.wait_for("started anew");
    scene.screen.wait_until("no question", |text| !text.contains("End 1 session?"));
    scene.screen.type_in("y");
    scene.screen.wait_for("LIVE");
    assert_eq!(scene.orders(), [] as [Value; 0]);
    scene.is_still_in();
    // The letter may have opened what the screen itself has under it, where q only closes that.
    scene.screen.signal(nix::sys::signal::Signal::SIGTERM);
    assert!(scene.screen.wait_for_end().code().is_some());
}

#[test]
fn an_answer_that_comes_after_it_was_taken_back_is_nobodys() {
    let mut scene = Scene::opens();
    scene.meddler.does(Mischief::Late("history.query"));
    scene.screen.type_in("3");
    scene.screen.wait_for("[3 History]");
    scene.meddler.has_done_it();
    scene.screen.type_in("2");
    scene.screen.wait_for("Sessions 1/1");
    assert_eq!(scene.meddler.release(), 1);
    assert!(!scene.meddler.asked("meta.cancel").is_empty(), "it was taken back");
    scene.screen.type_in("\r");
    scene.screen.wait_for("live.command");
    scene.screen.type_in("\x1b");
    scene.screen.wait_until("the table alone", |text| !text.contains("live.command"));
    scene.ends();
}

#[test]
fn what_a_later_daemon_says_beside_is_not_minded() {
    let (_users, _rules, service) = house();
    let (_client, _far) = tunnel(service.addr());
    wait_for_sessions(&socket(&service), 1);
    let meddler = Meddler::on(&socket(&service));
    meddler.is_later();
    let mut screen = Screen::open(&meddler.socket(), USUAL, &[]);
    screen.wait_for("[1 Overview]");
    screen.wait_for("anonymous");
    for (key, words) in [
        ("2", "Sessions 1/1"),
        ("3", "[3 History]"),
        ("4", "generation 1 is in force"),
        ("5", "alice"),
        ("6", "> Limits"),
        ("7", "[7 Auth]"),
        ("8", "FOLLOW"),
        ("9", "server.bind_port"),
        ("0", "descriptors"),
    ] {
        screen.type_in(key);
        screen.wait_for(words);
    }
    let hello = &meddler.asked("hello")[0];
    assert_eq!(hello["proto"], json!(1), "{hello}");
    screen.type_in("q");
    assert!(screen.wait_for_end().success());
}
