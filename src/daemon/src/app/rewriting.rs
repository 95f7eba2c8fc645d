//! A file of the operator's is replaced whole or stays as it is, with its owner and its mode; one that is new gets those of another.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, fchown};
use std::path::Path;

use caps::{CapSet, Capability};
use nix::errno::Errno;
use nix::unistd::{AccessFlags, access, getegid, geteuid};

/// Puts `text` in the place of what a file says; a symbolic link stays one.
///
/// # Errors
/// The directory cannot be written to, or the disk is full; the file says what it said.
pub(super) fn rewrite(path: &Path, text: &str) -> io::Result<()> {
    let path = fs::canonicalize(path)?;
    let former = fs::metadata(&path)?;
    place(&path, text, &former)
}

/// Makes a file that is not there, with the owner and the mode of another one.
///
/// # Errors
/// As [`rewrite`]; there is no file then.
pub(super) fn make(path: &Path, text: &str, like: &Path) -> io::Result<()> {
    place(path, text, &fs::metadata(like)?)
}

/// Whether [`rewrite`] could write this file, as far as that can be known without writing anything.
///
/// # Errors
/// Why not.
pub(super) fn could_rewrite(path: &Path) -> io::Result<()> {
    let path = fs::canonicalize(path)?;
    let directory = directory_of(&path)?;
    access(directory, AccessFlags::W_OK | AccessFlags::X_OK)
        .map_err(|errno| io::Error::new(io::Error::from(errno).kind(), format!("{}: {errno}", directory.display())))?;
    // The file itself need not be writable to be replaced, unless nobody at all may write it (chattr(1)).
    if let Err(errno @ (Errno::EROFS | Errno::EPERM)) = access(&path, AccessFlags::W_OK) {
        return Err(errno.into());
    }
    let former = fs::metadata(&path)?;
    let (owner, own) = ((former.uid(), former.gid()), (geteuid().as_raw(), getegid().as_raw()));
    if owner != own && !caps::has_cap(None, CapSet::Effective, Capability::CAP_CHOWN).is_ok_and(|has| has) {
        return Err(lost_owner(owner, "no files can be given away here"));
    }
    if is_mounted(&path, &fs::read_to_string(MOUNTS)?) {
        return Err(io::Error::new(io::ErrorKind::ResourceBusy, "it is a mount of its own, which cannot be replaced"));
    }
    Ok(())
}

/// What is mounted where, as this process sees it: proc(5).
const MOUNTS: &str = "/proc/self/mountinfo";

/// Whether something is mounted in just this place, as containers do it with single files. The fifth word of a line is the place, with
/// what would break the line as octal numbers.
fn is_mounted(path: &Path, mounts: &str) -> bool {
    let escape = |character: char| match character {
        ' ' | '\t' | '\n' | '\\' => format!("\\{:03o}", u32::from(character)),
        _ => character.to_string(),
    };
    let place: String = path.to_string_lossy().chars().map(escape).collect();
    mounts.lines().any(|line| line.split(' ').nth(4) == Some(&place))
}

/// A name without a directory is one in the directory of the process.
fn directory_of(path: &Path) -> io::Result<&Path> {
    let directory = path.parent().ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "no file is named"))?;
    Ok(if directory.as_os_str().is_empty() { Path::new(".") } else { directory })
}

fn place(path: &Path, text: &str, former: &fs::Metadata) -> io::Result<()> {
    let directory = directory_of(path)?;
    let Some(name) = path.file_name() else {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "no file is named"));
    };
    let mut fresh_name = std::ffi::OsString::from(".");
    fresh_name.push(name);
    fresh_name.push(".new");
    let fresh = directory.join(fresh_name);
    let written = write(&fresh, text, former).and_then(|()| fs::rename(&fresh, path));
    if written.is_err() {
        // What is in the way may be all that there is of it.
        let _nothing_is_left_to_do = fs::remove_file(&fresh);
    }
    written?;
    File::open(directory)?.sync_all()
}

fn write(fresh: &Path, text: &str, former: &fs::Metadata) -> io::Result<()> {
    match fs::remove_file(fresh) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let mut file = File::options().write(true).create_new(true).mode(0o600).open(fresh)?;
    let (owner, own) = ((former.uid(), former.gid()), file.metadata()?);
    if owner != (own.uid(), own.gid()) {
        // Confined as its unit has it, not even root gives files away.
        fchown(&file, Some(owner.0), Some(owner.1)).map_err(|error| lost_owner(owner, error))?;
    }
    file.set_permissions(former.permissions())?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

fn lost_owner((user, group): (u32, u32), why: impl std::fmt::Display) -> io::Error {
    io::Error::other(format!("its owner {user}:{group} cannot be kept: {why}"))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    #[test]
    fn mode_owner_and_links_stay() {
        let place = tempfile::tempdir().unwrap();
        let [real, link] = ["real", "link"].map(|name| place.path().join(name));
        fs::write(&real, "before").unwrap();
        fs::set_permissions(&real, fs::Permissions::from_mode(0o640)).unwrap();
        symlink(&real, &link).unwrap();
        rewrite(&link, "after").unwrap();
        assert_eq!(fs::read_to_string(&real).unwrap(), "after");
        assert_eq!(fs::metadata(&real).unwrap().mode() & 0o7777, 0o640);
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read_dir(place.path()).unwrap().count(), 2);
    }

    #[test]
    fn what_is_left_of_an_earlier_attempt_is_in_nobodys_way() {
        let place = tempfile::tempdir().unwrap();
        let real = place.path().join("real");
        fs::write(&real, "before").unwrap();
        fs::write(place.path().join(".real.new"), "half").unwrap();
        rewrite(&real, "after").unwrap();
        assert_eq!(fs::read_to_string(&real).unwrap(), "after");
    }

    #[test]
    fn a_file_that_is_made_has_the_owner_and_the_mode_of_another() {
        let place = tempfile::tempdir().unwrap();
        let [rules, tests] = ["rules", "tests"].map(|name| place.path().join(name));
        fs::write(&rules, "rules").unwrap();
        fs::set_permissions(&rules, fs::Permissions::from_mode(0o640)).unwrap();
        make(&tests, "tests", &rules).unwrap();
        assert_eq!(fs::read_to_string(&tests).unwrap(), "tests");
        assert_eq!(fs::metadata(&tests).unwrap().mode() & 0o7777, 0o640);
        assert!(make(&place.path().join("other"), "text", &place.path().join("nothing")).is_err());
        assert_eq!(fs::read_dir(place.path()).unwrap().count(), 2);
    }

    #[test]
    fn a_name_without_a_directory_is_one_here() {
        assert_eq!(directory_of(Path::new("acl.tests.toml")).unwrap(), Path::new("."));
        assert_eq!(directory_of(Path::new("/etc/acl.toml")).unwrap(), Path::new("/etc"));
        assert!(directory_of(Path::new("/")).is_err());
    }

    #[test]
    fn what_can_be_written_is_known_before() {
        let place = tempfile::tempdir().unwrap();
        let [real, link, lost] = ["real", "link", "lost"].map(|name| place.path().join(name));
        fs::write(&real, "text").unwrap();
        fs::set_permissions(&real, fs::Permissions::from_mode(0o400)).unwrap();
        symlink(&real, &link).unwrap();
        symlink(place.path().join("nothing"), &lost).unwrap();
        assert!(could_rewrite(&link).is_ok());
        assert!(could_rewrite(&lost).is_err());
        assert_eq!(fs::read_dir(place.path()).unwrap().count(), 3, "nothing was written to know it");
    }

    #[test]
    fn a_file_that_is_mounted_is_known_as_that() {
        let mounts =
            "29 1 8:1 / / rw - ext4 /dev/sda1 rw\n97 29 8:1 /a /etc/my\\040rules.toml ro - ext4 /dev/sda1 rw\n";
        assert!(is_mounted(Path::new("/etc/my rules.toml"), mounts));
        assert!(!is_mounted(Path::new("/etc"), mounts));
    }

    #[test]
    fn what_is_not_there_is_not_made() {
        let place = tempfile::tempdir().unwrap();
        assert!(rewrite(&place.path().join("nothing"), "text").is_err());
        assert_eq!(fs::read_dir(place.path()).unwrap().count(), 0);
    }
}
