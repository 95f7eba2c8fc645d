//! The tokens file: what is accepted, and what is said of what is not.

use config::tokens::{Scope, load};

const HASH: &str = "blake2b:0f6b3d4c8e2a91775f0d3c4b2a1908f7e6d5c4b3a291807f6e5d4c3b2a190807";

fn problems(text: &str) -> String {
    load("t", text).expect_err("it should be refused").to_string()
}

#[test]
fn tokens_are_read_in_the_order_of_the_file() {
    let text = format!(
        "[[tokens]]\nname = \"grafana\"\nscope = \"read\"\nhash = \"{HASH}\"\n\
         [[tokens]]\nname = \"ops\"\nscope = \"admin\"\nhash = \"{HASH}\"\nexpires = 2027-01-01\n"
    );
    let tokens = load("t", &text).expect("it is correct");
    let read: Vec<_> = tokens.iter().map(|token| (token.name.as_str(), token.scope, token.hash.to_string())).collect();
    assert_eq!(read, [("grafana", Scope::Read, HASH.to_owned()), ("ops", Scope::Admin, HASH.to_owned())]);
    assert_eq!(
        tokens[1].expires.map(|expires| expires.timestamp().to_string()),
        Some("2027-01-01T00:00:00Z".to_owned())
    );
    assert!(Scope::Read < Scope::Operate && Scope::Operate < Scope::Admin);
}

#[test]
fn whatever_is_wrong_is_named_with_its_line_and_without_its_text() {
    let one = |lines: &str| format!("[[tokens]]\nname = \"a\"\nscope = \"read\"\n{lines}");
    for (text, expected) in [
        (String::new(), "the file has no token"),
        (one(""), "hash"),
        (one("hash = \"secret\""), "t:4:8: tokens[0].hash: is damaged"),
        (one(&format!("hash = \"{}+f\"", &HASH[..70])), "t:4:8: tokens[0].hash: is damaged"),
        (one(&format!("hash = \"{HASH}\"\nscopes = 1")), "scopes"),
        ("[[tokens]]\nname = \"a b\"\nscope = \"root\"".to_owned(), "\"root\" is no scope"),
    ] {
        let said = problems(&text);
        assert!(said.contains(expected) && !said.contains("secret"), "{said}");
    }
    let twice = format!("{0}hash = \"{HASH}\"\n{0}hash = \"{HASH}\"\n", one(""));
    assert!(problems(&twice).contains("is already a token at"), "{}", problems(&twice));
}
