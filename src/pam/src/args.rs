//! The command line: `rustsocks-pam [--verbose] [--directory DIR] SERVICE…`.
//!
//! The monitor writes it, from a configuration that it has checked.

use std::ffi::{CStr, CString, OsString};
use std::os::unix::ffi::OsStringExt;

/// What the helper may do: ask these services.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Args {
    verbosity: Verbosity,
    directory: Option<CString>,
    services: Vec<CString>,
}

/// Whether modules are asked to speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verbosity {
    /// `PAM_SILENT`
    Silent,
    Verbose,
}

impl Args {
    /// # Errors
    /// What is wrong, in words.
    pub(crate) fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Self, String> {
        let mut args = args.into_iter().peekable();
        let verbosity = args.next_if(|word| word == "--verbose").map_or(Verbosity::Silent, |_| Verbosity::Verbose);
        let directory = match args.next_if(|word| word == "--directory") {
            Some(_) => Some(c_text(args.next().ok_or("--directory needs a directory")?)?),
            None => None,
        };
        let services = args.map(service).collect::<Result<Vec<_>, _>>()?;
        if services.is_empty() {
            return Err(
                "started without the name of a service; the monitor of rustsocks starts this program".to_owned()
            );
        }
        Ok(Self { verbosity, directory, services })
    }

    pub(crate) fn verbosity(&self) -> Verbosity {
        self.verbosity
    }

    /// Where the files of the services are, if not where libpam looks by itself.
    pub(crate) fn directory(&self) -> Option<&CStr> {
        self.directory.as_deref()
    }

    /// The service with this number, counted from 0.
    pub(crate) fn service(&self, number: u16) -> Option<&CStr> {
        self.services.get(usize::from(number)).map(CString::as_c_str)
    }
}

/// A file name: libpam itself would follow a path.
fn service(word: OsString) -> Result<CString, String> {
    let name = c_text(word)?;
    let bytes = name.to_bytes();
    if bytes.is_empty() || bytes.contains(&b'/') || bytes.starts_with(b".") || bytes.starts_with(b"-") {
        return Err(format!("{name:?} cannot be the name of a service"));
    }
    Ok(name)
}

fn c_text(word: OsString) -> Result<CString, String> {
    CString::new(word.into_vec()).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(words: &[&str]) -> Result<Args, String> {
        Args::parse(words.iter().map(OsString::from))
    }

    #[test]
    fn services_are_counted_from_0_and_nothing_else_is_one() {
        let args = parse(&["--directory", "/tmp/pam.d", "rustsocks", "rustsocks-client"]).expect("parsed");
        assert_eq!(args.directory(), Some(c"/tmp/pam.d"));
        assert_eq!(args.service(1), Some(c"rustsocks-client"));
        assert_eq!(args.service(2), None);
        assert_eq!(args.verbosity(), Verbosity::Silent);
        let args = parse(&["--verbose", "rustsocks"]).expect("parsed");
        assert_eq!((args.verbosity(), args.directory()), (Verbosity::Verbose, None));
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for words in
            [&[][..], &["--directory"], &["--directory", "/x"], &["../su"], &["a/b"], &[""], &[".su"], &["--help"]]
        {
            assert!(parse(words).is_err(), "{words:?}");
        }
    }
}
