//! A small file of the daemon's own that is there whole or not at all, whatever happens while it is written.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Nobody else's business.
const MODE: u32 = 0o600;

/// Puts a file in the place of another one, or of none; what is left of an earlier attempt is overwritten.
///
/// # Errors
/// The disk is full, or the directory cannot be written to; the former file is still there.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    let fresh = Path::new(&name);
    let mut file = File::options().write(true).create(true).truncate(true).mode(MODE).open(fresh)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(fresh, path)?;
    path.parent().map_or(Ok(()), |place| File::open(place)?.sync_all())
}
