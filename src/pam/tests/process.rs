//! The helper as the process that it is, with this test in the place of the worker.

use std::fs;
use std::os::fd::OwnedFd;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::Duration;

use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, recv, send, socketpair, sockopt};
use tempfile::TempDir;
use wire::{Denial, FromPam, MAX_ANSWER, PamAnswer, PamVerdict, Proof, Secret, ToPam};

/// Longer than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);

const ACCOUNT: &str = "account required pam_permit.so\n";

struct Helper {
    process: Child,
    line: OwnedFd,
    _services: TempDir,
}

impl Helper {
    /// With two services, `first` and `second`, whose authentication is this.
    fn with(first: &str, second: &str) -> Self {
        let services = tempfile::tempdir().expect("a directory");
        for (name, auth) in [("first", first), ("second", second)] {
            fs::write(services.path().join(name), [auth, ACCOUNT].concat()).expect("written");
        }
        let (line, theirs) = pair();
        let mut command = command();
        command.arg("--directory").arg(services.path()).args(["first", "second"]).stdin(Stdio::from(theirs));
        let process = command.stderr(Stdio::null()).spawn().expect("the helper starts");
        drop(command);
        let helper = Self { process, line, _services: services };
        assert_eq!(helper.hear(), Some(FromPam::Ready));
        helper
    }

    fn ask(&self, question: &ToPam) -> PamAnswer {
        send(&self.line, &question.encode().expect("encoded"), SendFlags::NOSIGNAL).expect("sent");
        match self.hear() {
            Some(FromPam::Answer(answer)) => answer,
            other => panic!("no answer but {other:?}"),
        }
    }

    /// The next frame; nothing once the helper is gone.
    fn hear(&self) -> Option<FromPam> {
        let mut bytes = vec![0; MAX_ANSWER];
        let (length, _) = recv(&self.line, &mut bytes[..], RecvFlags::empty()).expect("a frame in time");
        (length > 0).then(|| FromPam::decode(&bytes[..length]).expect("a frame"))
    }

    fn end(mut self) -> ExitStatus {
        drop(self.line);
        self.process.wait().expect("waited")
    }
}

fn command() -> Command {
    Command::new(env!("CARGO_BIN_EXE_rustsocks-pam"))
}

fn pair() -> (OwnedFd, OwnedFd) {
    let pair = socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None).expect("a pair");
    sockopt::set_socket_timeout(&pair.0, sockopt::Timeout::Recv, Some(PATIENCE)).expect("a limit");
    pair
}

fn question(id: u64, service: u16, user: &str) -> ToPam {
    ToPam {
        id,
        service,
        user: user.to_owned(),
        remote_user: "rhostusr".to_owned(),
        remote_host: Some("192.0.2.1".to_owned()),
        proof: Proof::Password(Secret::new("any")),
    }
}

const PERMIT: &str = "auth required pam_permit.so\n";
const DENY: &str = "auth required pam_deny.so\n";

#[test]
fn a_service_is_chosen_by_its_number_and_no_other_can_be() {
    let helper = Helper::with(PERMIT, DENY);
    let answer = helper.ask(&question(1, 0, "root"));
    assert_eq!((answer.id, answer.is_last), (1, false));
    let PamVerdict::Accepted { groups } = answer.verdict else { panic!("{answer:?}") };
    assert!(groups.contains(&"root".to_owned()), "{groups:?}");
    assert_eq!(helper.ask(&question(2, 1, "root")).verdict, PamVerdict::Denied(Denial::Authentication));
    let PamVerdict::Failed { error } = helper.ask(&question(3, 2, "root")).verdict else { panic!("there is no third") };
    assert!(error.contains("service number 2"), "{error}");
    assert!(helper.end().success());
}

#[test]
fn whoever_has_only_an_address_has_no_groups() {
    let helper = Helper::with(PERMIT, DENY);
    let answer = helper.ask(&ToPam { proof: Proof::Address, ..question(1, 0, "root") });
    assert_eq!(answer.verdict, PamVerdict::Accepted { groups: Vec::new() });
}

#[test]
fn after_a_thousand_questions_it_says_so_and_ends() {
    let mut helper = Helper::with(PERMIT, DENY);
    for id in 1..=1_000 {
        let answer = helper.ask(&question(id, 0, "nobody-knows-me"));
        assert_eq!((answer.id, answer.is_last), (id, id == 1_000));
    }
    assert_eq!(helper.hear(), None);
    assert!(helper.process.wait().expect("waited").success());
}

#[test]
fn nonsense_ends_it() {
    let mut helper = Helper::with(PERMIT, DENY);
    send(&helper.line, b"let me in", SendFlags::NOSIGNAL).expect("sent");
    assert_eq!(helper.hear(), None);
    assert_eq!(helper.process.wait().expect("waited").code(), Some(70));
}

#[test]
fn a_person_who_starts_it_is_told_what_it_is() {
    for arguments in [&[][..], &["su"], &["../su"]] {
        let Output { status, stderr, .. } = command().args(arguments).stdin(Stdio::null()).output().expect("it runs");
        assert_eq!(status.code(), Some(64), "{arguments:?}");
        assert!(String::from_utf8_lossy(&stderr).starts_with("rustsocks-pam: "), "{stderr:?}");
    }
}
