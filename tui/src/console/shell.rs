//! Texts as words of a shell, so that a command that is shown can be run as it stands.

use std::borrow::Cow;

/// One word, whatever is in it.
pub(crate) fn word(text: &str) -> Cow<'_, str> {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "_@%+=:,./-".contains(letter);
    if !text.is_empty() && text.chars().all(is_plain) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(format!("'{}'", text.replace('\'', "'\\''")))
}

/// ` --flag WORD`, or nothing where there is nothing to say.
pub(crate) fn flag(flag: &str, text: &str) -> String {
    if text.is_empty() { String::new() } else { format!(" --{flag} {}", word(text)) }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn a_shell_reads_what_was_written() {
        for text in ["alice", "user/alice", "it's \"$HOME\" `id` \\ *", "", "a\nb", "eve\u{202e}", "!", "~"] {
            let shell = Command::new("sh").arg("-c").arg(format!("printf %s {}", word(text))).output();
            assert_eq!(String::from_utf8(shell.expect("there is a shell").stdout).as_deref(), Ok(text));
        }
        assert_eq!((word("alice"), flag("source", "")), (Cow::Borrowed("alice"), String::new()));
    }
}
