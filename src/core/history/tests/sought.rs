//! How an administrator names a destination in a question.

use history::Sought;

#[test]
fn addresses_networks_and_names_are_told_apart() {
    for (text, expected) in [
        ("192.0.2.1", "192.0.2.1/32"),
        ("::ffff:192.0.2.1", "192.0.2.1/32"),
        ("2001:db8::1", "2001:db8::1/128"),
        ("10.1.2.3/8", "10.0.0.0/8"),
        ("2001:db8::/32", "2001:db8::/32"),
        ("WWW.Example.com", "www.example.com"),
        ("*.Example.com", "*.example.com"),
        (r"a\x00b", r"a\x00b"),
    ] {
        assert_eq!(text.parse::<Sought>().map(|sought| sought.to_string()), Ok(expected.to_owned()), "{text}");
    }
}

#[test]
fn what_is_none_of_them_is_refused_with_a_hint() {
    for text in ["", "*", "*.", "a.*.com", "10.0.0.0/33", "two words", "żółw"] {
        let error = text.parse::<Sought>().unwrap_err().to_string();
        assert!(error.contains("*.example.com"), "{text}: {error}");
    }
}
