//! The file that ships and the page that explains it say what the code does.

use config::{EMBEDDED, Loaded, Settings, Source, load};

#[test]
fn the_shipped_file_is_the_defaults() {
    let loaded = read(EMBEDDED);
    assert_eq!(loaded.settings, Settings::default());
    assert_eq!(loaded.warnings, []);
    assert_eq!(load(Source::Embedded, &[]).expect("the defaults agree").settings, loaded.settings);
}

fn read(text: &str) -> Loaded {
    load(Source::File { path: "rustsocks.toml", text }, &[]).unwrap_or_else(|problems| panic!("{problems}"))
}
