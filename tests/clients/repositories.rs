//! git over HTTP, through the proxy of its own configuration.

use std::fs;

use crate::program::Program;
use crate::server::Policy;
use crate::services;
use crate::world::World;

#[test]
fn git_clones_over_http() {
    let world = World::with(Policy::Open);
    make_repository(&world);
    let web = services::web(&world.target, world.scratch().to_owned());
    let url = format!("http://target.test:{}/origin.git", web.port());
    for scheme in ["socks4a", "socks5h"] {
        let clone = world.scratch().join(scheme);
        let proxy = format!("http.proxy={scheme}://10.77.1.1:1080");
        git(&world).args(["-c", &proxy, "clone", "-q", &url]).args([&clone]).run().prints("");
        assert_eq!(fs::read(clone.join("file")).expect("it was cloned"), services::payload(300_000));
    }
}

/// A bare repository `origin.git` with one file, ready to be served as plain files.
fn make_repository(world: &World) {
    let (work, bare) = (world.scratch().join("work"), world.scratch().join("origin.git"));
    git(world).args(["init", "-q"]).args([&work]).run().prints("");
    fs::write(work.join("file"), services::payload(300_000)).expect("git made the directory");
    let author = ["-c", "user.name=A", "-c", "user.email=a@target.test"];
    git(world).args(["-C"]).args([&work]).args(["add", "file"]).run().prints("");
    git(world).args(["-C"]).args([&work]).args(author).args(["commit", "-q", "-m", "one file"]).run().prints("");
    git(world).args(["clone", "-q", "--bare"]).args([&work, &bare]).run().prints("");
    git(world).args(["-C"]).args([&bare]).args(["update-server-info"]).run().prints("");
}

fn git(world: &World) -> Program {
    world.client.program("git").env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_SYSTEM", "/dev/null")
}
