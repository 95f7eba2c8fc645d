//! What a reload changes, key by key, and what waits for a restart.

use config::{Loaded, Settings, Source, load};

#[test]
fn changes_are_named_by_key() {
    let listen = |tables: &[&str]| tables.concat();
    let (office, lab) = ("[[listen]]\naddress = \"127.0.0.1:1081\"\n", "[[listen]]\naddress = \"127.0.0.1:1082\"\n");
    let named = "[[listen]]\naddress = \"127.0.0.1:1082\"\nname = \"lab\"\n";
    for (before, now, keys) in [
        (String::new(), String::new(), &[][..]),
        ("[limits]\nmax_connections = 10_000\n".to_owned(), String::new(), &[]),
        (
            String::new(),
            "[limits]\nmax_connections = 9\n[server]\nbacklog = 9\n".to_owned(),
            &["server.backlog", "limits.max_connections"],
        ),
        (String::new(), listen(&[office]), &["listen[0] added"]),
        (listen(&[office, lab]), listen(&[lab]), &["listen[0] removed"]),
        (listen(&[office, lab]), listen(&[lab, office]), &[]),
        (listen(&[office, lab]), listen(&[named, office]), &["listen[0].name"]),
    ] {
        assert_eq!(read(&now).settings.changes(&read(&before).settings).keys, keys, "{before} -> {now}");
    }
}

#[test]
fn what_only_a_restart_changes_stays_as_it_was() {
    let start = read("[logging]\nformat = \"json\"\nlevel = \"warn\"\n").settings;
    let mut now = read("[server]\nworker_threads = 3\n[logging]\nlevel = \"error\"\n").settings;
    let kept = now.keep_fixed(&start).keys;
    assert_eq!(kept, ["server.worker_threads", "logging.format"]);
    assert_eq!((now.server.worker_threads, now.logging.format), (None, start.logging.format));
    assert_ne!(now.logging.level, start.logging.level);
    assert_eq!(Settings::default().clone().keep_fixed(&Settings::default()).keys, Vec::<String>::new());
}

fn read(text: &str) -> Loaded {
    load(Source::File { path: "rustsocks.toml", text }, &[]).unwrap_or_else(|problems| panic!("{problems}\n{text}"))
}
