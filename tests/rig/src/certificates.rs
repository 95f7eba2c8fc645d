//! A certificate authority of a test's own, and what a listener needs of it; made by openssl.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;

use tempfile::TempDir;

/// One authority with a certificate for 127.0.0.1 and `localhost`, and its key.
#[derive(Debug)]
pub struct Certificates {
    directory: TempDir,
}

impl Default for Certificates {
    fn default() -> Self {
        Self::issue()
    }
}

impl Certificates {
    /// Another authority each time; valid for two days.
    #[must_use]
    pub fn issue() -> Self {
        Self::issue_for_days(2)
    }

    /// The same, valid for so long.
    #[must_use]
    pub fn issue_for_days(days: u32) -> Self {
        let this = Self { directory: tempfile::tempdir().expect("a temporary directory can be made") };
        let new_key = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";
        fs::write(this.at("names"), "subjectAltName=IP:127.0.0.1,DNS:localhost\n").expect("the directory is ours");
        this.openssl(&format!(
            "req -x509 {new_key} -keyout authority.key -out authority.pem -days {days} -subj /CN=authority"
        ));
        this.openssl(&format!("req {new_key} -keyout key.pem -out request.pem -subj /CN=proxy"));
        this.openssl(&format!(
            "x509 -req -in request.pem -CA authority.pem -CAkey authority.key -CAcreateserial -days {days} -extfile names -out chain.pem"
        ));
        fs::set_permissions(this.key(), Permissions::from_mode(0o600)).expect("it is ours");
        this
    }

    /// Whom clients should trust.
    #[must_use]
    pub fn authority(&self) -> PathBuf {
        self.at("authority.pem")
    }

    #[must_use]
    pub fn chain(&self) -> PathBuf {
        self.at("chain.pem")
    }

    #[must_use]
    pub fn key(&self) -> PathBuf {
        self.at("key.pem")
    }

    /// Two keys of the `[api]` or the `[metrics]` table.
    #[must_use]
    pub fn settings(&self) -> String {
        format!("tls_cert = \"{}\"\ntls_key = \"{}\"\n", self.chain().display(), self.key().display())
    }

    /// Puts the chain and the key of another authority in the place of these.
    pub fn replace_by(&self, other: &Self) {
        self.replace_chain_by(other);
        fs::copy(other.key(), self.key()).expect("the directory is ours");
    }

    /// Puts another chain beside this key.
    pub fn replace_chain_by(&self, other: &Self) {
        fs::copy(other.chain(), self.chain()).expect("the directory is ours");
    }

    fn at(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn openssl(&self, arguments: &str) {
        let output = Command::new("openssl").current_dir(self.directory.path()).args(arguments.split(' ')).output();
        let output = output.expect("openssl is installed (scripts/test-deps)");
        assert!(output.status.success(), "openssl {arguments}: {}", String::from_utf8_lossy(&output.stderr));
    }
}
