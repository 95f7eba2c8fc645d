//! A file of the operator's is replaced whole or stays as it is, with its owner and its mode; one that is new gets those of another.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, fchown};
use std::path::Path;

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

fn place(path: &Path, text: &str, former: &fs::Metadata) -> io::Result<()> {
    let (Some(directory), Some(name)) = (path.parent(), path.file_name()) else {
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
        let keeps = |error| io::Error::other(format!("its owner {}:{} cannot be kept: {error}", owner.0, owner.1));
        fchown(&file, Some(owner.0), Some(owner.1)).map_err(keeps)?;
    }
    file.set_permissions(former.permissions())?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
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
    fn what_is_not_there_is_not_made() {
        let place = tempfile::tempdir().unwrap();
        assert!(rewrite(&place.path().join("nothing"), "text").is_err());
        assert_eq!(fs::read_dir(place.path()).unwrap().count(), 0);
    }
}
