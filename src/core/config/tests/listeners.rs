//! Which listeners follow from the settings, and what each of them inherits.

use config::{Advertised, Binding, ClientMethod, Listener, Loaded, Method, PamService, Protocol, Source, load};

#[test]
fn without_a_file_one_listener_waits_on_loopback() {
    let loaded = load(Source::Embedded, &[]).expect("the defaults agree");
    let [only] = &loaded.settings.listeners()[..] else { panic!("{:?}", loaded.settings.listeners()) };
    assert_eq!(only.name, "127.0.0.1:1080");
    assert_eq!(only.binding, tcp("127.0.0.1:1080"));
    assert_eq!(only.protocols.as_slice(), [Protocol::Socks5, Protocol::Socks4, Protocol::Http]);
    assert_eq!(only.methods.as_slice(), [Method::None]);
    assert_eq!(only.proxy_protocol_from, []);
    assert_eq!((only.udp, only.bind), (Advertised::default(), Advertised::default()));
}

#[test]
fn the_first_listener_comes_before_the_listen_tables() {
    let listeners = listeners("[[listen]]\naddress = \"[::1]:1081\"\n[[listen]]\naddress = \"unix:/run/x.sock\"");
    let names: Vec<&str> = listeners.iter().map(|listener| listener.name.as_str()).collect();
    assert_eq!(names, ["127.0.0.1:1080", "[::1]:1081", "unix:/run/x.sock"]);
}

#[test]
fn none_leaves_only_the_listen_tables() {
    let listeners = listeners("[server]\nbind_address = \"none\"\n[[listen]]\naddress = \"127.0.0.1:0\"");
    let [only] = &listeners[..] else { panic!("{listeners:?}") };
    assert_eq!(only.binding, tcp("127.0.0.1:0"));
}

#[test]
fn port_0_may_be_asked_for_as_often_as_one_likes() {
    let listeners = listeners(
        "[server]\nbind_port = 0\n[[listen]]\naddress = \"127.0.0.1:0\"\n[[listen]]\naddress = \"127.0.0.1:0\"",
    );
    assert!(listeners.iter().all(|listener| listener.binding == tcp("127.0.0.1:0")), "{listeners:?}");
    assert_eq!(listeners.len(), 3);
}

#[test]
fn a_listener_overrides_what_it_names_and_inherits_the_rest() {
    let listeners = listeners(
        r#"
[auth]
socks_method = "none"
users_file = "users.toml"
[udp]
advertised_address_v4 = "198.51.100.1"
advertised_address_v6 = "2001:db8::1"
[bind]
advertised_address_v4 = "198.51.100.2"
[[listen]]
address = "0.0.0.0:1081"
name = "office"
protocols = ["socks5"]
socks_method = ["userpass"]
proxy_protocol_from = ["192.0.2.0/24", "2001:db8::7"]
advertised_address_v4 = "203.0.113.1"
"#,
    );
    let [first, office] = &listeners[..] else { panic!("{listeners:?}") };

    assert_eq!(first.methods.as_slice(), [Method::None]);
    assert_eq!(first.udp, advertised("198.51.100.1", "2001:db8::1"));
    assert_eq!(first.bind, Advertised { v4: "198.51.100.2".parse().ok(), v6: None });

    assert_eq!(office.name, "office");
    assert!(office.protocols.contains(Protocol::Socks5));
    assert!(!office.protocols.contains(Protocol::Http));
    assert_eq!(office.methods.as_slice(), [Method::UserPass]);
    assert_eq!(
        office.proxy_protocol_from,
        ["192.0.2.0/24", "2001:db8::7/128"].map(|net| net.parse().expect("a network"))
    );
    assert_eq!(office.udp, advertised("203.0.113.1", "2001:db8::1"));
    assert_eq!(office.bind, Advertised { v4: "203.0.113.1".parse().ok(), v6: None });
}

#[test]
fn a_listener_asks_its_own_pam_service_and_each_service_is_listed_once() {
    let text = r#"
[auth]
client_method = "pam.address"
socks_method = "pam.username"
[[listen]]
address = "127.0.0.1:1"
pam_service = "office"
[[listen]]
address = "unix:/run/x.sock"
client_method = "none"
socks_method = ["pam.username", "none"]
pam_service = "office"
[[listen]]
address = "127.0.0.1:2"
socks_method = "none"
"#;
    let settings = read(text).settings;
    let asked: Vec<(ClientMethod, String)> = settings
        .listeners()
        .iter()
        .map(|listener| (listener.client_method, listener.pam_service.as_str().to_owned()))
        .collect();
    let address = ClientMethod::PamAddress;
    let expected =
        [(address, "rustsocks"), (address, "office"), (ClientMethod::None, "office"), (address, "rustsocks")];
    assert_eq!(asked, expected.map(|(method, service)| (method, service.to_owned())));
    let names = |settings: &config::Settings| -> Vec<String> {
        settings.pam_services().iter().map(PamService::as_str).map(str::to_owned).collect()
    };
    assert_eq!(names(&settings), ["rustsocks-client", "rustsocks", "office"]);
    assert_eq!(names(&read("").settings), Vec::<String>::new());
}

#[test]
fn a_unix_socket_has_a_mode() {
    let modes = [("", 0o660), ("mode = \"0600\"", 0o600), ("mode = \"777\"", 0o777), ("mode = \"0000\"", 0)];
    for (line, expected) in modes {
        let listeners = listeners(&format!("[[listen]]\naddress = \"unix:/run/x.sock\"\n{line}"));
        let Binding::Unix { path, mode } = &listeners[1].binding else { panic!("{listeners:?}") };
        assert_eq!((path.to_str(), mode.bits()), (Some("/run/x.sock"), expected));
    }
}

#[test]
fn the_metrics_listener_waits_where_it_is_told_and_only_when_it_is_wanted() {
    let binding = |keys: &str| read(&format!("[metrics]\n{keys}")).settings.metrics_binding();
    assert_eq!(binding(""), None);
    assert_eq!(binding("enabled = true"), Some(tcp("127.0.0.1:9090")));
    assert_eq!(binding("enabled = true\nbind_address = \"::1\"\nbind_port = 0"), Some(tcp("[::1]:0")));
    let everywhere = "enabled = true\nbind_address = \"0.0.0.0\"\ni_understand_open_metrics = true";
    assert_eq!(binding(everywhere), Some(tcp("0.0.0.0:9090")));
    let socket = binding("enabled = true\nbind_address = \"unix:/run/m.sock\"\nsocket_mode = \"0666\"");
    let Some(Binding::Unix { path, mode }) = socket else { panic!("{socket:?}") };
    assert_eq!((path.to_str(), mode.bits()), (Some("/run/m.sock"), 0o666));
}

#[test]
fn a_name_for_this_host_is_a_name_or_an_address_and_nothing_more() {
    let read = |host: &str| {
        let text = format!("[metrics]\nallowed_hosts = [{host:?}]");
        load(Source::File { path: "rustsocks.toml", text: &text }, &[])
    };
    for host in ["proxy", "Proxy.Example.com", "192.0.2.1", "2001:db8::1", "a_b"] {
        let loaded = read(host).unwrap_or_else(|problems| panic!("{problems}"));
        assert_eq!(loaded.settings.metrics.allowed_hosts[0].as_str(), host.to_ascii_lowercase());
    }
    for host in ["", "proxy:9090", "http://proxy", "[2001:db8::1]", "a b", "*"] {
        assert!(read(host).is_err(), "{host:?}");
    }
}

#[test]
fn the_advertised_address_is_of_the_family_asked_for() {
    let advertised = Advertised { v4: "198.51.100.1".parse().ok(), v6: None };
    let like = |address: &str| advertised.like(address.parse().expect("an address"));
    assert_eq!(like("127.0.0.1"), "198.51.100.1".parse().ok());
    assert_eq!(like("::1"), None);
}

fn listeners(text: &str) -> Vec<Listener> {
    read(text).settings.listeners()
}

fn read(text: &str) -> Loaded {
    load(Source::File { path: "rustsocks.toml", text }, &[]).unwrap_or_else(|problems| panic!("{problems}"))
}

fn tcp(address: &str) -> Binding {
    Binding::Tcp(address.parse().expect("an endpoint"))
}

fn advertised(v4: &str, v6: &str) -> Advertised {
    Advertised { v4: v4.parse().ok(), v6: v6.parse().ok() }
}
