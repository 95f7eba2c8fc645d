//! What the C library's heap keeps of what it was given back.

#[cfg(target_env = "gnu")]
use nix::libc;

/// A piece of at least so many bytes is the kernel's again as soon as it is free.
#[cfg(target_env = "gnu")]
const LARGE: libc::c_int = 4 * 1024 * 1024;

/// Has large pieces given back at once, such as the 19 MiB of each password check. Left alone, glibc takes the size of whatever was
/// freed for one that comes often, and keeps a dozen of them in the arenas of the threads, for good (mallopt(3), `M_MMAP_THRESHOLD`).
/// Other C libraries do this by themselves.
pub(crate) fn give_large_pieces_back() {
    #[cfg(target_env = "gnu")]
    #[expect(unsafe_code, reason = "mallopt(3) is a foreign function")]
    // SAFETY: it takes numbers alone, and is called before there are other threads.
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, LARGE);
        libc::mallopt(libc::M_TRIM_THRESHOLD, 2 * LARGE);
    }
}
