//! Audit logs on a disk, and what becomes of them there.

use std::fs::{self, OpenOptions};
use std::io::Write;

use super::chain::hash;
use super::*;

fn written(audit: &Audit, id: &str) -> io::Result<()> {
    audit.write(&Entry {
        id,
        phase: "intent",
        who: &Value::from("anna"),
        role: "admin",
        op: "sessions.kill",
        target: Value::Null,
        changes: &[],
        comment: None,
        result: None,
        ms: None,
        idem: None,
    })
}

fn write(audit: &Audit, id: &str) {
    written(audit, id).unwrap();
}

fn log() -> (tempfile::TempDir, Audit) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("audit.jsonl");
    (directory, Audit::at(path))
}

fn numbers(audit: &Audit) -> Vec<u64> {
    audit.tail(100).unwrap().iter().map(|line| line["seq"].as_u64().unwrap()).collect()
}

#[test]
fn records_are_read_from_the_end_whole_and_no_further_than_wanted() {
    let (_directory, audit) = log();
    let filler = "x".repeat(1_000);
    let record = |seq: u64| format!("{{\"seq\":{seq},\"filler\":\"{filler}\"}}\n");
    let too_long = format!("{}\n", "y".repeat(3 * usize::try_from(LONGEST).unwrap()));
    let text: String = (1..=300).map(record).chain([too_long]).chain((301..=500).map(record)).collect();
    fs::write(audit.path(), &text).unwrap();
    let mut seen = Vec::new();
    let mut note = |line: &Value| seen.push(line["seq"].as_u64().unwrap());
    let is_whole = audit.each_back(|line| {
        note(&line);
        true
    });
    assert!(is_whole.unwrap());
    assert_eq!(seen, (1..=500).rev().collect::<Vec<_>>());
    let mut count = 0;
    let is_whole = audit.each_back(|_| {
        count += 1;
        count < 3
    });
    assert_eq!((is_whole.unwrap(), count), (false, 3));
    assert_eq!(audit.last_number().unwrap(), 500);
    assert_eq!(numbers(&audit).len(), 100);
}

#[test]
fn the_last_number_is_known_of_a_file_that_is_there_and_ends_with_a_record() {
    let (_directory, audit) = log();
    assert_eq!(audit.last_number().unwrap(), 0);
    write(&audit, "a-1");
    write(&audit, "a-2");
    assert_eq!(audit.last_number().unwrap(), 2);
    let junk = "z\n".repeat(usize::try_from(LONGEST).unwrap());
    fs::write(audit.path(), fs::read_to_string(audit.path()).unwrap() + &junk).unwrap();
    assert_eq!(audit.last_number().unwrap(), 0, "nobody reads back through junk for it");
}

#[test]
fn two_writers_make_one_chain() {
    let (_directory, one) = log();
    let other = Audit::at(one.path().to_owned());
    for turn in 0..6 {
        write(if turn % 3 == 0 { &one } else { &other }, "a");
    }
    assert_eq!(numbers(&one), [1, 2, 3, 4, 5, 6]);
    assert_eq!(one.verify().unwrap(), Verdict { records: 6, ok: true, broken: None });
}

#[test]
fn a_rotation_keeps_the_chain() {
    let (directory, audit) = log();
    write(&audit, "a");
    let rotated = directory.path().join("audit.jsonl.1");
    fs::rename(audit.path(), &rotated).unwrap();
    write(&audit, "b");
    assert_eq!(numbers(&audit), [2]);
    let first = fs::read(&rotated).unwrap();
    assert_eq!(audit.tail(1).unwrap()[0]["prev"], hash(first.strip_suffix(b"\n").unwrap()));
}

type Harm<'a> = &'a dyn Fn(&str) -> String;

#[test]
fn what_is_changed_taken_out_or_torn_is_found() {
    let without = |text: &str, left_out: usize| {
        let kept = text.lines().enumerate().filter(|(number, _)| *number != left_out);
        kept.fold(String::new(), |text, (_, line)| text + line + "\n")
    };
    for (harm, line, why) in [
        (&(|text: &str| text.replacen("anna", "eve", 1)) as Harm<'_>, 2, "the one before it is another one"),
        (&|text: &str| without(text, 1), 2, "the one before it is another one"),
        (&|text: &str| text.replacen("\"seq\":4", "\"seq\":5", 1), 4, "its number is out of order"),
        (&|text: &str| text[..text.len() - 9].to_owned(), 4, "it is no whole record"),
    ] {
        let (_directory, audit) = log();
        (0..4).for_each(|_| write(&audit, "a"));
        let text = fs::read_to_string(audit.path()).unwrap();
        fs::write(audit.path(), harm(&text)).unwrap();
        assert_eq!(audit.verify().unwrap().broken, Some((line, why)));
    }
}

#[test]
fn an_end_that_was_cut_off_is_noticed_however_long_the_file_is_by_then() {
    let kept = |text: &str| text.lines().take(2).fold(String::new(), |text, line| text + line + "\n");
    let another_end = |text: &str| text.replacen("\"seq\":4", "\"seq\":4 ", 1);
    let filled_up = |text: &str| kept(text) + &"x\n".repeat(text.len());
    for (harm, line) in [(&kept as Harm<'_>, 3), (&another_end, 5), (&filled_up, 3), (&|_| String::new(), 1)] {
        let (_directory, audit) = log();
        (0..4).for_each(|_| write(&audit, "a"));
        assert!(!audit.is_cut());
        let text = fs::read_to_string(audit.path()).unwrap();
        fs::write(audit.path(), harm(&text)).unwrap();
        write(&audit, "b");
        assert!(audit.is_cut());
        assert_eq!(numbers(&audit)[numbers(&audit).len() - 2..], [5, 6]);
        let other = Audit::at(audit.path().to_owned());
        assert_eq!(other.verify().unwrap().broken.map(|(line, _)| line), Some(line));
        write(&audit, "c");
        assert!(audit.is_cut(), "what is gone does not come back");
        fs::rename(audit.path(), audit.path().with_extension("1")).unwrap();
        write(&audit, "d");
        assert_eq!((audit.is_cut(), audit.verify().unwrap().ok), (false, true), "a new file is whole");
    }
}

#[test]
fn a_shorter_copy_in_the_place_of_the_file_is_noticed() {
    let (directory, audit) = log();
    write(&audit, "a");
    let copy = directory.path().join("copy");
    fs::copy(audit.path(), &copy).unwrap();
    write(&audit, "b");
    fs::rename(copy, audit.path()).unwrap();
    write(&audit, "c");
    assert_eq!((audit.is_cut(), numbers(&audit)), (true, vec![1, 3, 4]));
}

#[test]
fn a_line_after_a_torn_one_is_whole() {
    let (_directory, audit) = log();
    write(&audit, "a");
    let mut file = OpenOptions::new().append(true).open(audit.path()).unwrap();
    file.write_all(b"{\"seq\":2,\"pr").unwrap();
    write(&audit, "b");
    assert_eq!(numbers(&audit), [1, 2]);
    assert_eq!(audit.verify().unwrap().broken, Some((2, "it is no whole record")));
}

#[test]
fn what_cannot_be_written_is_an_error_and_the_next_line_is_not() {
    let (directory, audit) = log();
    write(&audit, "a");
    let blocked = Audit::at(directory.path().to_owned());
    written(&blocked, "a").unwrap_err();
    write(&audit, "b");
    assert_eq!(numbers(&audit), [1, 2]);
}
