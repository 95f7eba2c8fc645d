//! The launcher's command line: a profile, a program, its title, and its arguments.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::LaunchError;
use super::profile::Profile;

/// What the launcher is to become.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Order {
    pub(super) profile: Profile,
    pub(super) program: PathBuf,
    /// What `ps` shows instead of the program's path.
    pub(super) title: OsString,
    pub(super) args: Vec<OsString>,
}

impl Order {
    /// The words that [`parse`](Self::parse) understands, without the program's arguments, which follow them.
    pub(super) fn words(profile: &Profile, program: &Path, title: &str) -> [OsString; 3] {
        [profile.to_string().into(), program.into(), title.into()]
    }

    pub(super) fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Self, LaunchError> {
        let mut args = args.into_iter();
        let (Some(profile), Some(program), Some(title)) = (args.next(), args.next(), args.next()) else {
            return Err(LaunchError::NotAnOrder);
        };
        let profile = profile.to_str().and_then(|word| word.parse().ok()).ok_or(LaunchError::NotAnOrder)?;
        Ok(Self { profile, program: program.into(), title, args: args.collect() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_understood() {
        let words = Order::words(&Profile::PamHelper, Path::new("/usr/libexec/helper"), "rustsocks: pam");
        let args = ["--services", "a b"].map(OsString::from);
        let order = Order::parse(words.into_iter().chain(args.clone())).expect("understood");
        let title = OsString::from("rustsocks: pam");
        let wanted =
            Order { profile: Profile::PamHelper, program: "/usr/libexec/helper".into(), title, args: args.to_vec() };
        assert_eq!(order, wanted);
    }

    #[test]
    fn an_incomplete_or_unknown_order_is_refused() {
        for words in [&[][..], &["worker"], &["worker", "/bin/true"], &["root", "/bin/true", "title"]] {
            assert!(Order::parse(words.iter().map(OsString::from)).is_err(), "{words:?}");
        }
    }
}
