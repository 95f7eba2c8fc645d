//! Texts on their way between processes: files in memory that nobody can change any more.

use std::fs::File;
use std::io::{self, Seek, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt;

use nix::fcntl::{FcntlArg, SealFlag, fcntl};
use nix::sys::memfd::{MFdFlags, memfd_create};

/// What a text has that neither changes nor ends while it is read.
const SEALS: SealFlag = SealFlag::F_SEAL_WRITE.union(SealFlag::F_SEAL_GROW).union(SealFlag::F_SEAL_SHRINK);

/// A text in a file of its own.
///
/// Each reader gets one of its own, since duplicates of one would share its read position.
///
/// # Errors
/// No memory or no descriptor is left, see `memfd_create(2)`.
pub fn sealed(name: &str, text: &[u8]) -> io::Result<OwnedFd> {
    let mut file = File::from(memfd_create(name, MFdFlags::MFD_CLOEXEC | MFdFlags::MFD_ALLOW_SEALING)?);
    file.write_all(text)?;
    file.rewind()?;
    fcntl(&file, FcntlArg::F_ADD_SEALS(SEALS.union(SealFlag::F_SEAL_SEAL)))?;
    Ok(file.into())
}

/// The text of a descriptor that comes from somebody who is not trusted, at most so many bytes.
///
/// # Errors
/// It is no sealed file in memory, which could keep the reader waiting or change meanwhile; it is too long, or no UTF-8.
pub(crate) fn read(descriptor: OwnedFd, most: u64) -> io::Result<String> {
    let refused = |why| io::Error::new(io::ErrorKind::InvalidData, why);
    let seals = fcntl(&descriptor, FcntlArg::F_GET_SEALS).map(SealFlag::from_bits_truncate);
    if !seals.is_ok_and(|seals| seals.contains(SEALS)) {
        return Err(refused("a descriptor that is no sealed file in memory"));
    }
    let file = File::from(descriptor);
    let length = file.metadata()?.len();
    if length > most {
        return Err(refused("a text that is too long"));
    }
    let mut text = vec![0; usize::try_from(length).map_err(io::Error::other)?];
    file.read_exact_at(&mut text, 0)?;
    String::from_utf8(text).map_err(|_| refused("a text that is no UTF-8"))
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    fn a_sealed_text_can_be_read_and_not_changed() {
        let mut file = File::from(sealed("text", b"bind = \"127.0.0.1\"").expect("sealed"));
        let mut text = String::new();
        file.read_to_string(&mut text).expect("read");
        assert_eq!(text, "bind = \"127.0.0.1\"");
        assert!(file.write_all(b"more").is_err());
        assert!(file.set_len(0).is_err());
    }

    #[test]
    fn only_a_sealed_text_of_bounded_length_is_read_from_strangers() {
        let text = || sealed("text", "\u{17c}aba".as_bytes()).expect("sealed");
        assert_eq!(read(text(), 5).expect("read"), "\u{17c}aba");
        assert!(read(text(), 4).is_err());
        assert!(read(sealed("text", b"\xff").expect("sealed"), 5).is_err());
        let open = memfd_create("text", MFdFlags::MFD_CLOEXEC | MFdFlags::MFD_ALLOW_SEALING).expect("made");
        assert!(read(open, 5).is_err(), "whoever gave it may change it");
        let (pipe, _writer) = nix::unistd::pipe().expect("a pipe");
        assert!(read(pipe, 5).is_err(), "it would keep the reader waiting");
    }
}
