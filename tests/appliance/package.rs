//! The Debian package that `make deb` has built, and a next version of it; the RPM of `make rpm`; and what `install.sh` installs without one.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::machine::{Machine, target};

#[test]
fn lintian_finds_nothing_that_is_not_argued() {
    let said = Command::new("lintian").args(["--allow-root", "--fail-on", "error,warning"]).arg(built()).output();
    let said = said.expect("lintian runs");
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stdout));
}

#[test]
fn rpmlint_finds_nothing_that_is_not_argued() {
    let said = Command::new("rpmlint").args(["--config", &repository("rpm/rpmlint.toml")]).arg(built_rpm()).output();
    let said = said.expect("rpmlint runs");
    let text = String::from_utf8_lossy(&said.stdout);
    assert!(said.status.success() && text.contains("0 errors, 0 warnings"), "{text}");
}

#[test]
fn the_package_has_the_version_of_the_program() {
    let changelog = fs::read_to_string(repository("debian/changelog")).expect("it is there");
    let latest = concat!("rustsocks (", env!("CARGO_PKG_VERSION"), "-");
    assert!(changelog.starts_with(latest), "debian/changelog does not begin with {latest}");
}

/// The version that the next package says it is.
pub(crate) const NEXT: &str = "99.0-1";

/// The packages as a machine sees them.
#[derive(Debug)]
pub(crate) struct Packages {
    directory: tempfile::TempDir,
}

impl Packages {
    /// Copies the package that is there, makes another one of it that is newer, and copies what `install.sh` needs.
    pub(crate) fn prepare() -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory can be made");
        let into = |name: &str| directory.path().join(name).display().to_string();
        fs::copy(built(), into("this.deb")).expect("the package can be copied");
        run("dpkg-deb", &["--raw-extract", &into("this.deb"), &into("files")]);
        let control = directory.path().join("files/DEBIAN/control");
        let text = fs::read_to_string(&control).expect("a package has a control file");
        let version = text.lines().find(|line| line.starts_with("Version: ")).expect("a package has a version");
        fs::write(&control, text.replace(version, &format!("Version: {NEXT}"))).expect("it can be written");
        fs::copy(built_rpm(), into("this.rpm")).expect("the package can be copied");
        let source = directory.path().join("source");
        fs::create_dir_all(source.join("target")).expect("a directory can be made");
        for part in ["CHANGELOG.md", "README.md", "config", "deploy", "docs", "install.sh", "systemd"] {
            run("cp", &["--recursive", &repository(part), &source.display().to_string()]);
        }
        for built in ["release/rustsocks", "release/rustsocks-cli", "release/rustsocks-pam", "man"] {
            let place = source.join("target").join(built);
            fs::create_dir_all(place.parent().expect("it is below target")).expect("a directory can be made");
            run("cp", &["--recursive", &target().join(built).display().to_string(), &place.display().to_string()]);
        }
        run("dpkg-deb", &["--root-owner-group", "-Zgzip", "-z1", "--build", &into("files"), &into("next.deb")]);
        Self { directory }
    }

    /// Makes an RPM that is newer, too.
    pub(crate) fn add_next_rpm(&self) {
        let built = self.directory.path().join("rpms");
        let (upstream, _) = NEXT.split_once('-').expect("it has a revision");
        run(&repository("scripts/rpm"), &[&built.display().to_string(), upstream]);
        fs::rename(the_package_in(&built, "rpm"), self.directory.path().join("next.rpm"))
            .expect("the package can be moved");
    }

    pub(crate) fn directory(&self) -> &Path {
        self.directory.path()
    }
}

/// Installs a package as an administrator does who has the file.
pub(crate) fn install(machine: &Machine, package: &str) -> String {
    machine.run(&["dpkg", "--install", &format!("/mnt/{package}.deb")])
}

fn repository(path: &str) -> String {
    [env!("CARGO_MANIFEST_DIR"), path].join("/")
}

fn built() -> PathBuf {
    the_package("packages", "deb")
}

fn built_rpm() -> PathBuf {
    the_package("packages", "rpm")
}

/// The package in this folder of the build directory.
fn the_package(folder: &str, extension: &str) -> PathBuf {
    the_package_in(&target().join(folder), extension)
}

fn the_package_in(folder: &Path, extension: &str) -> PathBuf {
    let mut all = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let found = all.find(|path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        !name.contains("dbgsym") && path.extension().is_some_and(|found| found == extension)
    });
    found.unwrap_or_else(|| panic!("no package in {}: run make {extension}", folder.display()))
}

fn run(program: &str, arguments: &[&str]) {
    let done = Command::new(program).args(arguments).output();
    let done = done.unwrap_or_else(|error| panic!("cannot run {program}: {error}"));
    assert!(done.status.success(), "{program} {arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
}
