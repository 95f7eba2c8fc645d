//! Rules that hold only for clients whom a further PAM service accepts too.

use rig::rules::Rules;
use rig::service::Service;
use rig::socks5::{CONNECT, greeted, rep};
use rig::target::{Target, echo};
use rig::users::Users;
use rig::wire::Wire;

use crate::system::{PERMIT, System};

/// Lets those in who are on the list, whatever their password.
const LIST: &str =
    "auth required pam_listfile.so item=user sense=allow file={dir}/list onerr=fail\naccount required pam_permit.so\n";

/// Everyone may go to 127.0.0.1, and to 127.0.0.9 whomever the service `factory` accepts too.
const RULES: &str = r#"
[global]
default_policy = "deny"
[[users]]
username = "*"
  [[users.rules]]
  action = "allow"
  destinations = ["127.0.0.1"]
  [[users.rules]]
  action = "allow"
  destinations = ["127.0.0.9"]
  pam_service = "factory"
"#;

#[test]
fn a_rule_asks_its_service_with_what_the_client_logged_in_with() {
    let system = System::with(PERMIT);
    system.service("factory", LIST);
    system.write("list", "alice\n");
    let (rules, users) = (Rules::of(RULES), Users::of(&[("alice", b"a"), ("bob", b"b")]));
    let auth = users.settings(&["userpass"]);
    let auth = auth.strip_prefix("[auth]\n").expect("a table of its own");
    let service = system.launch(auth, &rules.settings()).start();
    for (name, password, code) in [("alice", "a", rep::SUCCEEDED), ("bob", "b", rep::NOT_ALLOWED)] {
        assert_eq!(ask(&service, name, password, [127, 0, 0, 9]), code, "{name}");
        assert_eq!(ask(&service, name, password, [127, 0, 0, 1]), rep::SUCCEEDED, "{name}");
    }
}

#[test]
fn a_client_without_a_name_is_judged_by_its_address() {
    let system = System::with(PERMIT);
    system.service(
        "factory",
        "auth required pam_access.so accessfile={dir}/access fieldsep=| nodefgroup noaudit\naccount required pam_permit.so\n",
    );
    system.write("access", "+|ALL|127.0.0.1\n-|ALL|ALL\n");
    let rules = Rules::of(RULES);
    let launch = system.launch("socks_method = \"none\"", &rules.settings());
    let service = launch.env("RUSTSOCKS_AUTH_PAM_DEFAULT_USER", "alice").start();
    let target = Target::listen_on([127, 0, 0, 9].into()).serve(echo);
    assert_eq!(greeted(service.addr()).ask(CONNECT, target).code, rep::SUCCEEDED);
    let mut other = Wire::connect_from([127, 0, 0, 2].into(), service.addr());
    other.greet();
    assert_eq!(other.ask(CONNECT, target).code, rep::NOT_ALLOWED);
}

/// Whoever may go without the service's word is not held up by it.
#[test]
fn a_service_is_asked_only_when_its_answer_matters() {
    let system = System::with(PERMIT);
    system.service("factory", "auth required pam_exec.so quiet {dir}/note\naccount required pam_permit.so\n");
    system.script("note", "#!/bin/sh\necho asked >> {dir}/asked\n");
    let rules = Rules::of(RULES);
    let service = system.launch("", &rules.settings()).start();
    assert_eq!(ask(&service, "alice", "any", [127, 0, 0, 1]), rep::SUCCEEDED);
    assert!(!system.path("asked").exists(), "the service was asked for nothing");
    assert_eq!(ask(&service, "alice", "any", [127, 0, 0, 9]), rep::SUCCEEDED);
    let asked = std::fs::read_to_string(system.path("asked")).expect("the service was asked");
    assert_eq!(asked, "asked\n");
}

#[test]
fn a_service_of_a_rule_without_a_file_refuses_the_start() {
    let system = System::with(PERMIT);
    let rules = Rules::of(RULES);
    let refusal = system.launch("", &rules.settings()).refused().expect("it does not start");
    assert_eq!(refusal.code, Some(78), "{}", refusal.words);
    assert!(refusal.words.contains("\"factory\" has no file"), "{}", refusal.words);
}

fn ask(service: &Service, name: &str, password: &str, to: [u8; 4]) -> u8 {
    let target = Target::listen_on(to.into()).serve(echo);
    let mut client = Wire::connect(service.addr());
    assert_eq!(client.log_in(name.as_bytes(), password.as_bytes()), [1, 0]);
    client.ask(CONNECT, target).code
}
