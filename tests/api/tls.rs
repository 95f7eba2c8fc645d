//! The HTTP listeners behind TLS: who is let in, with which certificate, and how long a handshake may take.

use std::fs::{self, Permissions};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rig::api::Api;
use rig::certificates::Certificates;
use rig::scrape::Endpoint;
use rig::service::{Launch, Service};
use rig::wait::{PATIENCE, eventually};
use serde_json::{Value, json};

use crate::{LOOPBACK, launch, program};

const QUIET: &str = "[server]\nwatch_files = false\n";
const RELOAD: &str = "/api/admin/reload";

/// The head's limit, and what a busy machine may add to it.
const HEAD_LIMIT: Duration = Duration::from_secs(5);
const SLACK: Duration = Duration::from_secs(20);

/// A daemon whose API speaks TLS.
struct Behind {
    service: Service,
    api: Api,
    certificates: Certificates,
}

impl Behind {
    fn start() -> Self {
        let (api, certificates) = (Api::reserve(program()), Certificates::issue());
        let service = launch(&[&api.settings(), &certificates.settings(), QUIET].concat());
        Self { service, api, certificates }
    }

    fn addr(&self) -> SocketAddr {
        self.api.endpoint().addr()
    }

    /// What curl says with further arguments, as the admin, trusting this authority.
    fn curl(&self, authority: &Path, arguments: &[&str], path: &str) -> Output {
        let mut curl = Command::new("curl");
        curl.args(["--silent", "--show-error", "--max-time", "60", "--cacert"]).arg(authority);
        curl.args(["--header", &format!("Authorization: Bearer {}", self.api.token("admin"))]).args(arguments);
        curl.arg(format!("https://{}{path}", self.addr())).output().expect("curl is installed")
    }

    fn json(&self, arguments: &[&str], path: &str) -> Value {
        self.json_by(&self.certificates.authority(), arguments, path)
    }

    fn json_by(&self, authority: &Path, arguments: &[&str], path: &str) -> Value {
        let output = self.curl(authority, arguments, path);
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{path}: {said}{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_str(&said).unwrap_or_else(|error| panic!("{path}: {error}: {said}"))
    }
}

#[test]
fn clients_who_trust_the_authority_are_served_and_nobody_else() {
    let behind = Behind::start();
    for version in [&["--tlsv1.3"][..], &["--tlsv1.2", "--tls-max", "1.2"]] {
        assert_eq!(behind.json(version, "/stats")["active_sessions"], json!(0), "{version:?}");
    }
    let stranger = Certificates::issue();
    assert_eq!(behind.curl(&stranger.authority(), &[], "/stats").status.code(), Some(60), "it is not who it says");
    let old = behind.curl(&behind.certificates.authority(), &["--tlsv1.0", "--tls-max", "1.1"], "/stats");
    assert!(!old.status.success());
    assert!(
        behind.api.endpoint().answer_to(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n").is_none(),
        "not in clear"
    );
    let failed = || metric(&behind, "rustsocks_http_failed_handshakes_total") >= 2;
    assert!(eventually(PATIENCE, failed), "failed handshakes are counted");
}

#[test]
fn another_certificate_comes_with_a_reload_and_a_bad_one_changes_nothing() {
    let behind = Behind::start();
    let before = fs::read(behind.certificates.authority()).expect("it is there");
    let next = Certificates::issue();
    behind.certificates.replace_chain_by(&next);
    let refused = behind.json(&["--request", "POST"], RELOAD);
    assert_eq!((&refused["status"], &refused["code"]), (&json!(422), &json!("not_reloaded")), "{refused}");
    assert!(refused["detail"].as_str().expect("a text").contains("certificate and key cannot be used"), "{refused}");
    assert_eq!(behind.json(&[], "/stats")["active_sessions"], json!(0), "the old one is still shown");

    behind.certificates.replace_by(&next);
    let report = behind.json(&["--request", "POST"], RELOAD);
    let applied = json!({ "component": "api_certificate", "result": "applied", "changes": [], "needs_restart": [], "problems": [] });
    assert!(report["components"].as_array().expect("a list").contains(&applied), "{report}");
    assert_eq!(behind.json_by(&next.authority(), &[], "/stats")["active_sessions"], json!(0));
    let old = behind.service.directory().join("old.pem");
    fs::write(&old, before).expect("the directory is ours");
    assert_eq!(behind.curl(&old, &[], "/stats").status.code(), Some(60), "the old one is gone");

    for (text, words) in
        [("", "no certificate"), ("-----BEGIN CERTIFICATE-----\n%\n-----END CERTIFICATE-----\n", "not PEM")]
    {
        fs::write(behind.certificates.chain(), text).expect("the directory is ours");
        let refused = behind.json_by(&next.authority(), &["--request", "POST"], RELOAD);
        assert!(refused["detail"].as_str().is_some_and(|detail| detail.contains(words)), "{refused}");
    }
}

#[test]
fn each_scrape_says_until_when_the_certificate_in_force_is_valid() {
    const EXPIRY: &str = "rustsocks_tls_certificate_expiry_timestamp_seconds{listener=\"api\"}";
    const DAY: u64 = 86_400;
    let began = now();
    let behind = Behind::start();
    let (expires, issued) = (metric(&behind, EXPIRY), began..=now());
    assert!(issued.contains(&(expires - 2 * DAY)), "{expires} of {issued:?}");

    let began = now();
    let next = Certificates::issue_for_days(30);
    let issued = began..=now();
    behind.certificates.replace_by(&next);
    assert_eq!(behind.json(&["--request", "POST"], RELOAD)["success"], json!(true));
    let expires = metric_by(&behind, &next.authority(), EXPIRY);
    assert!(issued.contains(&(expires - 30 * DAY)), "{expires} of {issued:?}");
}

/// In seconds since 1970.
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("it is later").as_secs()
}

#[test]
fn the_metrics_speak_tls_too() {
    let (http, certificates) = (Endpoint::reserve(), Certificates::issue());
    let _service = launch(&[http.settings(), certificates.settings()].concat());
    let mut curl = Command::new("curl");
    curl.args(["--silent", "--show-error", "--fail", "--cacert"]).arg(certificates.authority());
    let output = curl.arg(format!("https://{}/metrics", http.addr())).output().expect("curl is installed");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("rustsocks_build_info"), "{said}{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn a_handshake_has_the_time_of_a_head_and_holds_nobody_up() {
    let behind = Behind::start();
    // As many as one source may have, less the one that asks: some say nothing, some the beginning of a hello.
    let mut silent: Vec<TcpStream> = (0..7).map(|_| TcpStream::connect(behind.addr()).expect("connected")).collect();
    let began = Instant::now();
    for stream in &mut silent[3..] {
        stream.write_all(&[0x16, 3, 1, 2, 0, 1]).expect("sent");
    }
    assert_eq!(behind.json(&[], "/stats")["active_sessions"], json!(0));
    for stream in &mut silent {
        stream.set_read_timeout(Some(HEAD_LIMIT + SLACK)).expect("it is not zero");
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).expect("it is closed by the daemon");
    }
    // The daemon's clock began a little earlier.
    assert!(began.elapsed() + Duration::from_secs(1) >= HEAD_LIMIT, "{:?}", began.elapsed());
    assert!(metric(&behind, "rustsocks_http_failed_handshakes_total") >= 7);
    let alone = || metric(&behind, "rustsocks_http_connections") == 1;
    assert!(eventually(PATIENCE, alone), "only the one that asks is in");
}

#[test]
fn an_api_that_others_can_reach_has_both_tls_and_tokens() {
    let (api, certificates) = (Api::reserve(program()), Certificates::issue());
    let (tls, tokens) = (certificates.settings(), format!("tokens_file = \"{}\"\n", api.tokens_file().display()));
    let open = "[api]\nenabled = true\nbind_address = \"0.0.0.0\"\n";
    for (keys, words) in [
        (String::new(), "neither TLS nor tokens"),
        (tokens.clone(), "no TLS, so that others could read tokens on their way"),
        (tls.clone(), "no tokens, so that others could read everything"),
        (format!("{tokens}tls_cert = \"/c\"\n"), "belong together"),
    ] {
        assert!(checked(&[open, &keys].concat()).contains(words), "{keys}: {words}");
    }
    assert!(checked(&[open, &tls, &tokens].concat()).contains("correct; listens"));
}

/// What `rustsocks check` says of a configuration.
fn checked(config: &str) -> String {
    let directory = tempfile::tempdir().expect("a temporary directory can be made");
    let file = directory.path().join("rustsocks.toml");
    fs::write(&file, config).expect("the directory is ours");
    let output = Command::new(program()).arg("--config").arg(&file).arg("check").output().expect("it runs");
    [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat()
}

#[test]
fn a_key_that_everybody_can_read_is_not_used() {
    let (api, certificates) = (Api::reserve(program()), Certificates::issue());
    fs::set_permissions(certificates.key(), Permissions::from_mode(0o644)).expect("it is ours");
    let config = [LOOPBACK, &api.settings(), &certificates.settings()].concat();
    let refused = Launch::of(program()).config(&config).refused();
    let refusal = refused.map_err(drop).expect("the start should be refused");
    assert!(format!("{refusal:?}").contains("everybody can read it"), "{refusal:?}");
}

fn metric(behind: &Behind, name: &str) -> u64 {
    metric_by(behind, &behind.certificates.authority(), name)
}

fn metric_by(behind: &Behind, authority: &Path, name: &str) -> u64 {
    let output = behind.curl(authority, &[], "/metrics");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok());
    line.unwrap_or_else(|| panic!("no {name} in {text}"))
}
