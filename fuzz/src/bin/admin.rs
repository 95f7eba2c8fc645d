//! A line of the admin socket: a refusal instead of a panic, and what is read means what its own line says, parameters too.
#![no_main]

use std::fmt::Debug;

use libfuzzer_sys::fuzz_target;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, from_value, to_value};
use wire::admin::{Hello, Kill, Lines, Message, Patch, Request, ViewChange, ViewOpen, ViewOpened, Welcome};

fuzz_target!(|bytes: &[u8]| {
    let mut lines = Lines::new(4096);
    lines.push(bytes);
    while let Ok(Some(line)) = lines.next_line() {
        match Request::read(&line) {
            Ok(request) => {
                let again = request.line();
                assert_eq!(Request::read(&again[..again.len() - 1]).as_ref(), Ok(&request));
                let p = Value::Object(request.p);
                stays::<Hello>(&p);
                stays::<Kill>(&p);
                stays::<ViewOpen>(&p);
                stays::<ViewChange>(&p);
            }
            Err(bad) => assert!(Message::read(bad.answer().line().trim_ascii_end()).is_ok()),
        }
        match Message::read(&line) {
            Ok(Message::Answer { answer: wire::admin::Answer::Ok(ok), .. }) => {
                stays::<Welcome>(&ok);
                stays::<ViewOpened>(&ok);
            }
            Ok(Message::Push(push)) => stays::<Patch>(&push.d),
            Ok(Message::Answer { .. }) | Err(_) => {}
        }
    }
});

/// What is read of parameters is read again of what is written of them.
fn stays<T: Serialize + DeserializeOwned + PartialEq + Debug>(p: &Value) {
    let Ok(read) = from_value::<T>(p.clone()) else { return };
    let written = to_value(&read).expect("what was read can be written");
    assert_eq!(from_value::<T>(written).ok(), Some(read));
}
