//! Chromium, without a window.

use crate::errands::fetch;
use crate::server::Policy;
use crate::world::{EXIT, TARGET, World};

#[test]
fn chromium_shows_the_page_behind_the_proxy() {
    let world = World::with(Policy::Open);
    let profile = format!("--user-data-dir={}", world.scratch().join("profile").display());
    let as_root = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"];
    for (scheme, target) in [("socks4", TARGET), ("socks5", TARGET), ("socks5", "target.test")] {
        let chromium = world.client.program("chromium").args(as_root).args([&profile]);
        let chromium = chromium.args([&format!("--proxy-server={scheme}://10.77.1.1:1080"), "--dump-dom"]);
        fetch(&world, target, chromium).mentions(EXIT);
    }
}
