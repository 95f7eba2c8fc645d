//! Which destinations a pattern means.

use acl::{NameFault, Pattern, PatternFault, Ports, PortsFault, Realm};

use crate::sketch::{Client, ip, rules};

#[test]
fn names_fit_patterns_as_the_documentation_says() {
    let table: [(&str, &[&str], &[&str]); 14] = [
        ("example.com", &["example.com", "EXAMPLE.com."], &["www.example.com", "example.org", "notexample.com"]),
        (
            "*.example.com",
            &["www.example.com", "a.b.example.com"],
            &["example.com", "notexample.com", "www.example.com.org"],
        ),
        ("api.*.com", &["api.example.com"], &["api.evil.attacker.com", "api.com", "xapi.example.com"]),
        (
            "prod-*.company.com",
            &["prod-1.company.com", "prod-.company.com"],
            &["prod-1.x.company.com", "prod.company.com", "a.prod-1.company.com"],
        ),
        ("*-db.corp", &["eu-db.corp", "-db.corp"], &["eu-db.x.corp", "x.eu-db.corp", "db.corp"]),
        ("a*z.corp", &["az.corp", "abcz.corp"], &["ab.corp", "a.z.corp"]),
        ("*x*.corp", &["x.corp", "axb.corp"], &["ab.corp"]),
        ("*.api-*.corp", &["v1.api-eu.corp", "a.b.api-.corp"], &["api-eu.corp", "v1.api.corp"]),
        ("*.*", &["a.b", "a.b.c"], &["a"]),
        ("example.*", &["example.org"], &["example.co.uk", "www.example.org", "example"]),
        ("*com", &["com", "telecom"], &["a.com"]),
        ("*.com", &["a.com", "a.b.com"], &["com"]),
        ("*.a.*.b", &["x.a.y.b", "w.x.a.y.b"], &["a.y.b", "x.a.y.z.b"]),
        ("*", &["anything.example", "a"], &[]),
    ];
    for (pattern, fitting, other) in table {
        let client = Client::of(rules(&[&format!("alice allow {pattern}")]), "alice");
        for name in fitting {
            assert_eq!(client.told(&format!("{name}:80")), "resolve by users/alice#1", "{pattern} and {name}");
        }
        for name in other {
            assert_eq!(client.told(&format!("{name}:80")), "deny by default", "{pattern} and {name}");
        }
    }
}

#[test]
fn networks_fit_addresses() {
    let table: [(&str, &[&str], &[&str]); 8] = [
        (
            "10.0.0.0/8",
            &["10.0.0.0", "10.255.255.255", "::ffff:10.1.2.3"],
            &["11.0.0.0", "9.255.255.255", "::10.0.0.1"],
        ),
        ("10.1.2.3", &["10.1.2.3"], &["10.1.2.4"]),
        ("10.0.0.5/8", &["10.9.9.9"], &["11.0.0.5"]),
        ("::ffff:10.0.0.0/104", &["10.1.2.3"], &["11.0.0.0", "2001:db8::1"]),
        ("2001:db8::/32", &["2001:db8:ffff::1"], &["2001:db9::1", "10.0.0.1"]),
        ("::/0", &["2001:db8::1"], &["10.0.0.1", "::ffff:10.0.0.1"]),
        ("0.0.0.0/0", &["10.0.0.1"], &["2001:db8::1"]),
        ("[2001:db8::1]", &["2001:db8::1"], &["2001:db8::2"]),
    ];
    for (pattern, fitting, other) in table {
        let client = Client::of(rules(&[&format!("alice allow {pattern}")]), "alice");
        for address in fitting {
            assert_eq!(client.told(&format!("{address}:80")), "allow by users/alice#1", "{pattern} and {address}");
        }
        for address in other {
            assert_eq!(client.told(&format!("{address}:80")), "deny by default", "{pattern} and {address}");
        }
    }
}

#[test]
fn an_address_is_public_or_private() {
    let private = [
        "0.0.0.0",
        "0.1.2.3",
        "10.1.2.3",
        "100.64.0.1",
        "100.127.255.255",
        "127.0.0.1",
        "169.254.1.1",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.8",
        "192.168.0.1",
        "198.18.0.1",
        "198.19.255.255",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "fc00::1",
        "fdff::1",
        "fe80::1",
        "febf::1",
        "fec0::1",
        "feff::1",
        "ff02::1",
    ];
    let public = [
        "1.1.1.1",
        "9.255.255.255",
        "11.0.0.1",
        "100.63.255.255",
        "100.128.0.0",
        "128.0.0.1",
        "169.253.1.1",
        "172.15.0.1",
        "172.32.0.1",
        "192.0.1.1",
        "192.0.2.1",
        "192.167.0.1",
        "198.17.0.1",
        "198.20.0.1",
        "203.0.113.1",
        "223.255.255.255",
        "::2",
        "2001:db8::1",
        "fbff::1",
        "fe00::1",
    ];
    for address in private {
        assert_eq!(Realm::of(ip(address)), Realm::Private, "{address}");
    }
    for address in public {
        assert_eq!(Realm::of(ip(address)), Realm::Public, "{address}");
    }
    let client = Client::of(rules(&["alice allow @public", "bob allow @private"]), "alice");
    assert_eq!(client.told("1.1.1.1:80"), "allow by users/alice#1");
    assert_eq!(client.told("10.0.0.1:80"), "deny by default");
    let bob = Client::over(client.view.rules(), "bob");
    assert_eq!(
        (bob.told("1.1.1.1:80"), bob.told("10.0.0.1:80")),
        ("deny by default".into(), "allow by users/bob#1".into())
    );
}

#[test]
fn what_an_address_carries_can_be_blocked() {
    let carriers = [
        "10.0.0.1",
        "::10.0.0.1",
        "::ffff:0:10.0.0.1",
        "64:ff9b::10.0.0.1",
        "64:ff9b:1::10.0.0.1",
        "2002:a00:1::1",
        "2001:0:a00:1::1",
        "2001:0:808:808::f5ff:fffe",
        "2001:db8::5efe:10.0.0.1",
        "2001:db8::200:5efe:10.0.0.1",
    ];
    for block in ["10.0.0.0/24", "@private"] {
        let client = Client::of(rules(&["alice allow *", &format!("alice block {block}")]), "alice");
        for address in carriers {
            assert_eq!(
                client.told(&format!("[{address}]:80").replace("[10.0.0.1]", "10.0.0.1")),
                "deny by users/alice#2",
                "{address} and {block}"
            );
        }
        assert_eq!(client.told("[64:ff9b::8.8.8.8]:80"), "allow by users/alice#1");
    }
}

#[test]
fn only_what_is_surely_reached_can_be_allowed() {
    let client = Client::of(rules(&["alice allow 10.0.0.1"]), "alice");
    for address in ["::ffff:10.0.0.1", "::ffff:0:10.0.0.1", "64:ff9b::10.0.0.1", "64:ff9b:1::10.0.0.1"] {
        assert_eq!(
            client.told(&format!("[{address}]:80")),
            "allow by users/alice#1",
            "a translator leads there: {address}"
        );
    }
    for address in ["2001:db8::5efe:10.0.0.1", "2002:a00:1::1", "2001:0:808:808::f5ff:fffe", "::10.0.0.1"] {
        assert_eq!(client.told(&format!("[{address}]:80")), "deny by default", "somebody else's network: {address}");
    }
    let public = Client::of(rules(&["alice allow @public"]), "alice");
    for (address, expected) in [
        ("64:ff9b::8.8.8.8", "allow by users/alice#1"),
        ("64:ff9b::10.0.0.1", "deny by default"),
        ("2002:a00:1::1", "deny by default"),
        ("2002:808:808::1", "allow by users/alice#1"),
        ("2001:db8::5efe:10.0.0.1", "deny by default"),
    ] {
        assert_eq!(public.told(&format!("[{address}]:80")), expected, "{address}");
    }
    let private = Client::of(rules(&["alice allow @private"]), "alice");
    assert_eq!(private.told("[64:ff9b::10.0.0.1]:80"), "allow by users/alice#1");
    assert_eq!(private.told("[2001:db8::5efe:10.0.0.1]:80"), "deny by default");
}

#[test]
fn blocking_the_public_half_blocks_whatever_touches_it() {
    let client = Client::of(rules(&["alice allow *", "alice block @public"]), "alice");
    for (request, expected) in [
        ("8.8.8.8:80", "deny by users/alice#2"),
        ("10.0.0.1:80", "allow by users/alice#1"),
        ("[fd00::5efe:8.8.8.8]:80", "deny by users/alice#2"),
        ("[fd00::1]:80", "allow by users/alice#1"),
        ("[2002:a00:1::1]:80", "deny by users/alice#2"),
    ] {
        assert_eq!(client.told(request), expected, "{request}");
    }
}

#[test]
fn what_is_no_destination_says_why() {
    let table = [
        ("", PatternFault::Name(NameFault::Empty)),
        (".", PatternFault::Name(NameFault::Empty)),
        ("*.", PatternFault::Name(NameFault::Empty)),
        ("a..b", PatternFault::Name(NameFault::EmptyLabel)),
        ("a.*..b", PatternFault::Name(NameFault::EmptyLabel)),
        ("a b", PatternFault::Name(NameFault::Byte(b' '))),
        ("a*.b c", PatternFault::Name(NameFault::Byte(b' '))),
        ("127.1", PatternFault::Name(NameFault::OddAddress)),
        ("*.1", PatternFault::Name(NameFault::OddAddress)),
        ("a*.0x7f", PatternFault::Name(NameFault::OddAddress)),
        ("10.0.0.0/33", PatternFault::Network),
        ("example.com/24", PatternFault::Network),
        ("@internal", PatternFault::Realm),
        (".example.com", PatternFault::LeadingDot(".example.com".into())),
        ("example.com:443", PatternFault::Port),
        ("a**b.com", PatternFault::TwoWildcards),
        ("żółw.pl", PatternFault::NotAscii),
    ];
    for (text, fault) in table {
        assert_eq!(Pattern::parse(text), Err(fault.clone()), "{text}");
        assert!(!fault.to_string().is_empty());
    }
    let long = |label: usize| Pattern::parse(&format!("{}*.com", "a".repeat(label)));
    assert!(long(62).is_ok());
    assert_eq!(long(63), Err(PatternFault::Name(NameFault::LabelTooLong)));
    let name = format!("*{}", ".a".repeat(127));
    assert_eq!(Pattern::parse(&name[..251].replace(".a.a", ".a*")).map(|_| ()), Ok(()));
    assert_eq!(Pattern::parse(&format!("a{name}")), Err(PatternFault::Name(NameFault::TooLong)));
}

#[test]
fn a_destination_is_shown_in_one_spelling() {
    for (written, shown) in [
        ("*", "*"),
        ("@private", "@private"),
        ("10.0.0.1", "10.0.0.1"),
        ("10.0.0.1/32", "10.0.0.1"),
        ("10.0.0.5/8", "10.0.0.5/8"),
        ("2001:DB8::/32", "2001:db8::/32"),
        ("Example.COM.", "example.com"),
        ("*.Example.com", "*.example.com"),
        ("API.*.com", "api.*.com"),
        ("*.API-*.com", "*.api-*.com"),
    ] {
        assert_eq!(Pattern::parse(written).expect(written).to_string(), shown);
    }
}

#[test]
fn ports_are_read_in_every_form() {
    for (written, shown) in [
        ("443", "443"),
        ("22,80, 443", "22, 80, 443"),
        ("8000-9000", "8000-9000"),
        ("80,81,82-90,85-100", "80-100"),
        ("http,HTTPS,ftp-data", "20, 80, 443"),
        ("*", "*"),
        ("1-65535", "1-65535"),
    ] {
        assert_eq!(Ports::parse(written).expect(written).to_string(), shown, "{written}");
    }
    let unknown = |text: &str| PortsFault::Unknown(text.into());
    for (written, fault) in [
        ("", unknown("")),
        ("80,", unknown("")),
        ("65536", unknown("65536")),
        ("+80", unknown("+80")),
        ("http-https", unknown("http-https")),
        ("80-", unknown("80-")),
        ("4000-3000", PortsFault::Empty { first: 4000, last: 3000 }),
        ("0", PortsFault::Zero),
        ("0-10", PortsFault::Zero),
    ] {
        assert_eq!(Ports::parse(written), Err(fault), "{written}");
    }
    assert_eq!(Ports::union([]), None);
    let ports = Ports::parse("80-90,443").expect("ports");
    assert!(
        ports.covers(&Ports::parse("85,443").expect("ports")) && !ports.covers(&Ports::parse("85,444").expect("ports"))
    );
    assert!(
        ports.overlaps(&Ports::parse("90-100").expect("ports")) && !ports.overlaps(&Ports::parse("91").expect("ports"))
    );
    assert!(Ports::all().contains(0) && Ports::all().is_all() && !ports.is_all());
}

#[test]
fn patterns_know_what_they_are_about() {
    let kind = |text: &str| {
        let pattern = Pattern::parse(text).expect(text);
        (pattern.is_name(), pattern.is_address())
    };
    assert_eq!(["a.b", "*.b", "a*.b"].map(kind), [(true, false); 3]);
    assert_eq!(["10.0.0.1", "@public"].map(kind), [(false, true); 2]);
    assert_eq!(kind("*"), (false, false));
}

#[test]
fn a_long_name_of_short_labels_is_looked_up_like_any_other() {
    let client = Client::of(rules(&["alice allow *.a", "alice block *.a.a.a.a.a.b"]), "alice");
    let name = format!("{}a", "a.".repeat(126));
    assert_eq!(client.told(&format!("{name}:80")), "resolve by users/alice#1");
}
