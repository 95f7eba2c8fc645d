//! The Debian packages that `make deb` has built, and other versions of them; the RPMs of `make rpm`; and what `install.sh` installs without one.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::machine::{Machine, target};

/// The daemon's package and the client's.
const NAMES: [&str; 2] = ["rustsocks", "rustsocks-cli"];

#[test]
fn lintian_finds_nothing_that_is_not_argued() {
    let said = Command::new("lintian").args(["--allow-root", "--fail-on", "error,warning"]).args(built("deb")).output();
    let said = said.expect("lintian runs");
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stdout));
}

#[test]
fn rpmlint_finds_nothing_that_is_not_argued() {
    let said = Command::new("rpmlint").args(["--config", &repository("rpm/rpmlint.toml")]).args(built("rpm")).output();
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

/// The version that the next packages say they are.
pub(crate) const NEXT: &str = "99.0-1";

/// The last version in which daemon and client were one package.
pub(crate) const FORMER: &str = "0.1.0-1";

/// The packages as a machine sees them: a folder for each version.
#[derive(Debug)]
pub(crate) struct Packages {
    directory: tempfile::TempDir,
}

impl Packages {
    /// Copies the packages that are there, makes other ones of them that are newer, and copies what `install.sh` needs.
    pub(crate) fn prepare() -> Self {
        let packages = Self { directory: tempfile::tempdir().expect("a temporary directory can be made") };
        for (name, package) in NAMES.into_iter().zip(built("deb")) {
            fs::create_dir_all(packages.place("this")).expect("a directory can be made");
            fs::copy(&package, packages.place("this").join(format!("{name}.deb"))).expect("the package can be copied");
            packages.unpack(&package, name);
            packages.build(name, NEXT, "next");
        }
        for (name, package) in NAMES.into_iter().zip(built("rpm")) {
            fs::create_dir_all(packages.place("this-rpm")).expect("a directory can be made");
            fs::copy(package, packages.place("this-rpm").join(format!("{name}.rpm")))
                .expect("the package can be copied");
        }
        packages.add_source();
        packages
    }

    /// Makes newer RPMs, too.
    pub(crate) fn add_next_rpm(&self) {
        let (upstream, _) = NEXT.split_once('-').expect("it has a revision");
        run(&repository("scripts/rpm"), &[&self.place("next-rpm").display().to_string(), upstream]);
    }

    /// Makes the one package that there was before the client had its own.
    pub(crate) fn add_former(&self) {
        let [all, client] = NAMES.map(|name| self.place("files").join(name));
        run("cp", &["--recursive", &client.join("usr").display().to_string(), &all.display().to_string()]);
        self.build(NAMES[0], FORMER, "former");
    }

    pub(crate) fn directory(&self) -> &Path {
        self.directory.path()
    }

    fn place(&self, folder: &str) -> PathBuf {
        self.directory.path().join(folder)
    }

    fn unpack(&self, package: &Path, name: &str) {
        let files = self.place("files");
        fs::create_dir_all(&files).expect("a directory can be made");
        run("dpkg-deb", &["--raw-extract", &package.display().to_string(), &files.join(name).display().to_string()]);
    }

    /// Packs what has been unpacked, as another version.
    fn build(&self, name: &str, version: &str, folder: &str) {
        let files = self.place("files").join(name);
        let control = files.join("DEBIAN/control");
        let text = fs::read_to_string(&control).expect("a package has a control file");
        let line = text.lines().find(|line| line.starts_with("Version: ")).expect("a package has a version");
        fs::write(&control, text.replace(line, &format!("Version: {version}"))).expect("it can be written");
        fs::create_dir_all(self.place(folder)).expect("a directory can be made");
        let package = self.place(folder).join(format!("{name}.deb")).display().to_string();
        run("dpkg-deb", &["--root-owner-group", "-Zgzip", "-z1", "--build", &files.display().to_string(), &package]);
    }

    fn add_source(&self) {
        let source = self.place("source");
        fs::create_dir_all(source.join("target")).expect("a directory can be made");
        for part in ["CHANGELOG.md", "README.md", "config", "deploy", "docs", "install.sh", "systemd"] {
            run("cp", &["--recursive", &repository(part), &source.display().to_string()]);
        }
        for built in ["release/rustsocks", "release/rustsocks-cli", "release/rustsocks-pam", "man"] {
            let place = source.join("target").join(built);
            fs::create_dir_all(place.parent().expect("it is below target")).expect("a directory can be made");
            run("cp", &["--recursive", &target().join(built).display().to_string(), &place.display().to_string()]);
        }
    }
}

/// Installs the packages of a version as an administrator does who has the files.
pub(crate) fn install(machine: &Machine, version: &str) -> String {
    machine.shell(&format!("apt-get install --yes /mnt/{version}/*.deb"))
}

fn repository(path: &str) -> String {
    [env!("CARGO_MANIFEST_DIR"), path].join("/")
}

/// The daemon's package and the client's in the build directory.
fn built(extension: &str) -> [PathBuf; 2] {
    let folder = target().join("packages");
    let all = fs::read_dir(&folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let all: Vec<PathBuf> = all.filter(|path| path.extension().is_some_and(|found| found == extension)).collect();
    NAMES.map(|name| {
        let begins = |path: &&PathBuf| {
            let file = path.file_name().unwrap_or_default().to_string_lossy();
            // A digit is the first character of a version.
            file.strip_prefix(name)
                .and_then(|rest| rest.strip_prefix(['-', '_']))
                .is_some_and(|rest| rest.starts_with(|char: char| char.is_ascii_digit()))
        };
        let found: Vec<&PathBuf> = all.iter().filter(begins).collect();
        let [one] = found[..] else {
            panic!("one {name} in {}, not {found:?}: run make {extension}", folder.display())
        };
        one.clone()
    })
}

fn run(program: &str, arguments: &[&str]) {
    let done = Command::new(program).args(arguments).output();
    let done = done.unwrap_or_else(|error| panic!("cannot run {program}: {error}"));
    assert!(done.status.success(), "{program} {arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
}
