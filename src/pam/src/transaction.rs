//! One question from its start to its verdict.
//!
//! Knows the order of libpam's steps and what their return values mean for a client.

use std::cell::RefCell;
use std::ffi::{CStr, CString, NulError};

use pam::ffi;
use wire::{Denial, PamVerdict, Proof, ToPam};

use crate::args::{Args, Verbosity};
use crate::conversation::Conversation;
use crate::groups;
use crate::libpam::{Code, Item, Transaction};

/// `PAM_TTY`: there is no terminal, and some modules insist on a name (`pam_access(8)`, `pam_time(8)`).
const TERMINAL: &CStr = c"socks";

/// The verdict, and what was said on the way.
#[derive(Debug)]
pub(crate) struct Heard {
    pub(crate) verdict: PamVerdict,
    pub(crate) conversation: Conversation,
}

/// Asks the modules of `service`.
pub(crate) fn ask(service: &CStr, args: &Args, question: ToPam) -> Heard {
    let ToPam { id: _, service: _, user, remote_user, remote_host, proof } = question;
    let is_person = matches!(proof, Proof::Password(_));
    let conversation = RefCell::new(Conversation::new(proof));
    let judged = Client::new(&user, &remote_user, remote_host.as_deref())
        .map_err(End::from)
        .and_then(|client| judge(service, args, &client, &conversation));
    let conversation = conversation.into_inner();
    let verdict = match judged {
        Ok(()) if is_person => accepted(&user),
        Ok(()) => PamVerdict::Accepted { groups: Vec::new() },
        Err(End::UserChanged) => PamVerdict::Denied(Denial::UserChanged),
        Err(End::NoText(error)) => PamVerdict::Failed { error: error.to_string() },
        Err(End::Step { .. }) if conversation.is_unmet && !is_person => PamVerdict::Denied(Denial::Prompt),
        Err(End::Step { name, code }) => verdict(name, code, conversation.is_unmet),
    };
    Heard { verdict, conversation }
}

/// The client as libpam wants it.
struct Client {
    user: CString,
    remote_user: CString,
    remote_host: Option<CString>,
}

impl Client {
    fn new(user: &str, remote_user: &str, remote_host: Option<&str>) -> Result<Self, NulError> {
        Ok(Self {
            user: CString::new(user)?,
            remote_user: CString::new(remote_user)?,
            remote_host: remote_host.map(CString::new).transpose()?,
        })
    }
}

/// Why a transaction ended without an acceptance.
enum End {
    NoText(NulError),
    Step { name: &'static str, code: Code },
    UserChanged,
}

impl From<NulError> for End {
    fn from(error: NulError) -> Self {
        Self::NoText(error)
    }
}

fn judge(service: &CStr, args: &Args, client: &Client, conversation: &RefCell<Conversation>) -> Result<(), End> {
    let at = |name| move |code| End::Step { name, code };
    let mut transaction =
        Transaction::start(service, &client.user, args.directory(), conversation).map_err(at("pam_start"))?;
    match args.verbosity() {
        Verbosity::Silent => {}
        Verbosity::Verbose => transaction.be_verbose(),
    }
    introduce(&mut transaction, client).map_err(at("pam_set_item"))?;
    transaction.authenticate().map_err(at("pam_authenticate"))?;
    transaction.check_account().map_err(at("pam_acct_mgmt"))?;
    // A module may put another user in the place of the one whose password it has checked (pam_get_user(3)).
    if transaction.user().as_ref() == Some(&client.user) { Ok(()) } else { Err(End::UserChanged) }
}

fn introduce(transaction: &mut Transaction<'_>, client: &Client) -> Result<(), Code> {
    transaction.set(Item::Terminal, TERMINAL)?;
    transaction.set(Item::RemoteUser, &client.remote_user)?;
    if let Some(host) = &client.remote_host {
        transaction.set(Item::RemoteHost, host)?;
    }
    transaction.take_over_delay()
}

fn accepted(user: &str) -> PamVerdict {
    match groups::of(user) {
        Ok(groups) => PamVerdict::Accepted { groups },
        Err(errno) => PamVerdict::Failed { error: format!("cannot list the groups of the user: {}", errno.desc()) },
    }
}

fn verdict(step: &str, code: Code, is_unmet: bool) -> PamVerdict {
    let denial = match code.0 {
        ffi::PAM_AUTH_ERR => Denial::Authentication,
        ffi::PAM_USER_UNKNOWN => Denial::UserUnknown,
        ffi::PAM_MAXTRIES => Denial::MaxTries,
        ffi::PAM_ACCT_EXPIRED => Denial::AccountExpired,
        ffi::PAM_NEW_AUTHTOK_REQD | ffi::PAM_AUTHTOK_EXPIRED | ffi::PAM_CRED_EXPIRED => Denial::PasswordExpired,
        ffi::PAM_PERM_DENIED => Denial::PermissionDenied,
        ffi::PAM_CONV_ERR | ffi::PAM_AUTHTOK_ERR | ffi::PAM_AUTHTOK_RECOVERY_ERR if is_unmet => Denial::Prompt,
        _ => return PamVerdict::Failed { error: format!("{step}: {code}") },
    };
    PamVerdict::Denied(denial)
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;
    use std::fs;
    use std::path::Path;

    use wire::Secret;

    use super::*;

    /// What a service with these lines decides about a user that is not in the system.
    fn heard(lines: &str, proof: Proof) -> Heard {
        heard_with(&[], lines, proof)
    }

    fn heard_with(flags: &[&str], lines: &str, proof: Proof) -> Heard {
        let directory = tempfile::tempdir().expect("a directory");
        fs::write(directory.path().join("test"), lines).expect("written");
        ask(c"test", &args(flags, directory.path()), question(proof))
    }

    fn args(flags: &[&str], directory: &Path) -> Args {
        let words = flags.iter().map(OsString::from);
        Args::parse(words.chain(["--directory".into(), directory.into(), "test".into()])).expect("arguments")
    }

    fn question(proof: Proof) -> ToPam {
        ToPam {
            id: 1,
            service: 0,
            user: "nobody-here".to_owned(),
            remote_user: "r".to_owned(),
            remote_host: Some("192.0.2.1".to_owned()),
            proof,
        }
    }

    fn password() -> Proof {
        Proof::Password(Secret::new("pw"))
    }

    const ACCOUNT: &str = "account required pam_permit.so\n";

    #[test]
    fn both_steps_must_succeed() {
        let auth = "auth required pam_permit.so\n";
        let accepted = PamVerdict::Accepted { groups: Vec::new() };
        assert_eq!(heard(&[auth, ACCOUNT].concat(), password()).verdict, accepted);
        assert_eq!(heard(&[auth, ACCOUNT].concat(), Proof::Address).verdict, accepted);
        let denied = PamVerdict::Denied(Denial::Authentication);
        assert_eq!(heard(&["auth required pam_deny.so\n", ACCOUNT].concat(), password()).verdict, denied);
        let no_account = heard(&[auth, "account required pam_deny.so\n"].concat(), password());
        assert_eq!(no_account.verdict, denied);
    }

    #[test]
    fn a_prompt_that_cannot_be_answered_is_named() {
        let asks = "auth required pam_exec.so expose_authtok quiet /bin/true\n";
        assert_eq!(heard(&[asks, ACCOUNT].concat(), Proof::Address).verdict, PamVerdict::Denied(Denial::Prompt));
        assert!(matches!(heard(&[asks, ACCOUNT].concat(), password()).verdict, PamVerdict::Accepted { .. }));
    }

    #[test]
    fn modules_speak_when_asked_to_and_it_harms_nothing() {
        let lines = ["auth optional pam_echo.so hello %u\n", "auth required pam_permit.so\n", ACCOUNT].concat();
        for (flags, expected) in [(&[][..], &[][..]), (&["--verbose"], &["hello nobody-here"])] {
            let heard = heard_with(flags, &lines, password());
            assert!(matches!(heard.verdict, PamVerdict::Accepted { .. }), "{heard:?}");
            assert_eq!(heard.conversation.said, expected);
        }
    }

    #[test]
    fn what_is_broken_is_a_failure_and_not_a_wrong_password() {
        let missing = heard(&["auth required pam_no_such_module.so\n", ACCOUNT].concat(), password());
        assert!(matches!(missing.verdict, PamVerdict::Failed { .. }), "{missing:?}");
        let nowhere = ask(c"test", &args(&[], Path::new("/nonexistent")), question(password()));
        assert!(matches!(nowhere.verdict, PamVerdict::Failed { .. }), "{nowhere:?}");
    }

    #[test]
    fn a_service_without_an_authentication_lets_nobody_in() {
        for lines in ["", "auth required\n"] {
            let denied = PamVerdict::Denied(Denial::PermissionDenied);
            assert_eq!(heard(&[lines, ACCOUNT].concat(), password()).verdict, denied, "{lines:?}");
        }
    }

    #[test]
    fn a_delay_is_noted_and_not_slept() {
        let began = std::time::Instant::now();
        let delay = "auth optional pam_faildelay.so delay=40000000\n";
        let wrong = [delay, "auth required pam_deny.so\n", ACCOUNT].concat();
        let refused = [delay, "auth required pam_permit.so\n", "account required pam_deny.so\n"].concat();
        for lines in [wrong, refused] {
            let heard = heard(&lines, password());
            assert_eq!(heard.verdict, PamVerdict::Denied(Denial::Authentication));
            assert!(heard.conversation.delay.as_secs() >= 10, "{heard:?}");
        }
        assert!(began.elapsed().as_secs() < 10);
    }

    #[test]
    fn every_number_has_words() {
        assert_eq!(Code(ffi::PAM_AUTH_ERR).to_string(), "Authentication failure (7)");
        assert!(Code(-5).to_string().contains("-5"));
    }
}
