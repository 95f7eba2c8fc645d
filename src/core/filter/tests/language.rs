//! What is read, how it is written again, and where a text stops making sense.

use filter::{Filter, MAX_DEPTH, MAX_PARTS, SESSIONS};
use proptest::prelude::*;

#[test]
fn filters_are_written_out_in_one_way() {
    for (text, expected) in [
        ("", ""),
        ("  ", ""),
        ("user=alice and down>10M", "user=alice and down>10M"),
        ("user=alice down>10M", "user=alice and down>10M"),
        ("user = alice   AND down > 10485760", "user=alice and down>10M"),
        ("a b or c d", "(a and b) or (c and d)"),
        ("a and (b or c)", "a and (b or c)"),
        ("not (a or b)", "not (a or b)"),
        ("not not a", "not not a"),
        ("((a))", "a"),
        ("user in alice, bob", "user=alice,bob"),
        ("user!=\"two words\",x", "user!=\"two words\",x"),
        ("\"say \\\"x\\\"\" \"\\d\"", "\"say \\\"x\\\"\" and \"\\\\d\""),
        ("\"and\" in", "\"and\" and \"in\""),
        ("port in 443,8000-9000", "port=443,8000-9000"),
        ("dst in 10.1.2.3/8,[2001:db8::7],repo.example.com", "dst=10.0.0.0/8,2001:db8::7,repo.example.com"),
        ("src=::ffff:192.0.2.1", "src=192.0.2.1"),
        ("host~*.Example.com", "host~*.Example.com"),
        (r#"rule~~"^users/(a|b)#\d$""#, r#"rule~~"^users/(a|b)#\\d$""#),
        ("rate>=1.5m/s up<1KiB total<=0", "rate>=1536K/s and up<1K and total<=0"),
        ("age>1h30m idle<250ms age>90", "age>90m and idle<250ms and age>90s"),
        ("start>-24h start<2026-11-20", "start>-1d and start<2026-11-20T00:00:00Z"),
        ("start>2026-11-20T19:20+01:00", "start>2026-11-20T18:20:00Z"),
        ("proto=TCP cmd=Bind", "proto=tcp and cmd=bind"),
        ("zażółć", "zażółć"),
    ] {
        assert_eq!(read(text).to_string(), expected, "{text}");
        assert_eq!(read(expected), read(text), "{text}");
    }
}

#[test]
fn what_makes_no_sense_is_refused_at_its_column_and_with_a_proposal() {
    for (text, column, message) in [
        ("usr=alice", 1, "unknown field `usr`; did you mean `user`?"),
        ("żółw and usr=x", 10, "did you mean `user`?"),
        ("qqq=1", 1, "there are id, user, group"),
        ("user=", 6, "a value is missing"),
        ("user=<x>", 6, "put signs in quotes"),
        ("user=alice and", 15, "something is missing here"),
        ("and user=alice", 1, "`and` stands between two terms"),
        ("=alice", 1, "a field or a word is missing"),
        ("(user=alice", 1, "never closed"),
        ("user=alice)", 11, "never opened"),
        ("user=\"alice", 6, "never closed"),
        ("\"\"", 1, "nothing is searched for"),
        ("down>lots", 6, "\"lots\" is no size; write 10M"),
        ("down>9999999T", 6, "is no size"),
        ("port=https", 6, "is no number"),
        ("port=9000-8000", 6, "is no number"),
        ("port>8000-9000", 6, "a range has no order"),
        ("age>soon", 5, "is no duration"),
        ("start>yesterday", 7, "is no time"),
        ("start=2026-11-20", 1, "compare it with <"),
        ("user>alice", 1, "has no order"),
        ("down~1*", 1, "is no text"),
        ("src=localhost", 5, "is no address"),
        ("proto=sctp", 7, "there are tcp, udp"),
        ("cmd=conect", 5, "did you mean `connect`?"),
        ("rule~~\"(\"", 7, "open group"),
        ("a\0b", 2, "NUL"),
    ] {
        let misread = Filter::parse(text, SESSIONS).expect_err(text);
        assert_eq!(misread.column, column, "{text}: {misread}");
        assert!(misread.to_string().contains(message), "{text}: {misread}");
    }
}

#[test]
fn a_filter_has_bounds() {
    assert!(Filter::parse(&"(".repeat(MAX_DEPTH + 1), SESSIONS).is_err());
    assert!(Filter::parse(&"not ".repeat(MAX_DEPTH), SESSIONS).is_err());
    assert!(Filter::parse(&"a ".repeat(MAX_PARTS), SESSIONS).is_ok());
    assert!(Filter::parse(&"a ".repeat(MAX_PARTS + 1), SESSIONS).is_err());
    assert!(Filter::parse(&"a".repeat(5000), SESSIONS).is_err());
    assert!(Filter::parse(&format!("rule~~\"{}\"", "(a{99}){99}".repeat(9)), SESSIONS).is_err());
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused_inside_of_it(text in "\\PC{0,40}") {
        match Filter::parse(&text, SESSIONS) {
            Ok(filter) => prop_assert_eq!(read(&filter.to_string()), filter),
            Err(misread) => prop_assert!(misread.column <= text.chars().count() + 1),
        }
    }

    #[test]
    fn what_is_written_out_reads_as_the_same(text in filters()) {
        let filter = read(&text);
        prop_assert_eq!(read(&filter.to_string()), filter);
    }
}

fn read(text: &str) -> Filter {
    Filter::parse(text, SESSIONS).unwrap_or_else(|misread| panic!("{text}: {misread}"))
}

/// Texts that make sense.
fn filters() -> impl Strategy<Value = String> {
    let quoted = "\"[^\"\\\\\0]{1,8}\"";
    let term = prop_oneof![
        "[a-z]{1,8}".prop_filter("taken", |word| !["and", "or", "not", "in"].contains(&word.as_str())),
        quoted,
        ("(user|group|rule|host|dst|id)", "(=|!=|~| in )", prop_oneof!["[a-z0-9*?.:/#]{1,9}", quoted])
            .prop_map(|(field, operator, value)| format!("{field}{operator}{value}")),
        ("(up|down|total|rate)", "(<|<=|>|>=|=|!=)", 0..1_u64 << 50).prop_map(|(f, o, n)| format!("{f}{o}{n}")),
        ("(age|idle)", "(<|>)", "[0-9]{1,4}(\\.[0-9]{1,3})?(us|ms|s|m|h|d|w)")
            .prop_map(|(f, o, n)| format!("{f}{o}{n}")),
        "port( in |=|!=)[0-9]{1,5}(,[1-4]-[5-9]){0,2}",
        "start[<>]-[0-9]{1,3}[hdw]",
        "(src|ip|dst)=10\\.[0-9]\\.[0-9]\\.[0-9](/(8|17|32))?",
    ];
    term.prop_recursive(4, 24, 3, |inner| {
        prop_oneof![
            (inner.clone(), "( and | or | )", inner.clone()).prop_map(|(a, join, b)| format!("{a}{join} {b}")),
            inner.clone().prop_map(|a| format!("not {a}")),
            inner.prop_map(|a| format!("({a})")),
        ]
    })
}
