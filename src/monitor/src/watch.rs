//! Notices that files have changed, by looking once a second.
//!
//! A change counts when two looks in a row agree, so that a file that somebody is still writing is left alone; and a file that had
//! content and has none is taken for one that somebody has just begun to write.
//! A look is at device, inode, times and size of what a path leads to: it sees a file that was written over, renamed into place,
//! or reached by another symbolic link, on every file system, without a limit on watches.
//! Whether the content is another one is for the reader of the file to say.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The time between two looks.
const EVERY: Duration = Duration::from_secs(1);

/// Some files, as they looked.
#[derive(Debug)]
pub(crate) struct Watch {
    next: Instant,
    last: Vec<Seen>,
    /// What has been reported.
    known: Option<Vec<Seen>>,
    /// The files that had content when they were read.
    filled: Vec<PathBuf>,
}

/// What a path led to.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    path: PathBuf,
    file: Result<Print, ErrorKind>,
}

#[derive(Debug, PartialEq, Eq)]
struct Print {
    file: (u64, u64),
    size: u64,
    /// Last change of the content and of anything at all, in seconds and nanoseconds.
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Watch {
    /// Watches files that have just been read; what it finds at first counts as a change, since a file may change while it is read.
    pub(crate) fn new(files: &[PathBuf], now: Instant) -> Self {
        Self { next: now + EVERY, last: Vec::new(), known: None, filled: with_content(files) }
    }

    /// Somebody reads the files now. One that changes while it is read looks different afterwards, and will be reported.
    pub(crate) fn note_reading(&mut self, files: &[PathBuf]) {
        self.filled = with_content(files);
    }

    /// Looks if it is time, and says whether the files have changed and come to rest.
    pub(crate) fn is_changed(&mut self, files: &[PathBuf], now: Instant) -> bool {
        if now < self.next {
            return false;
        }
        self.next = now + EVERY;
        let seen: Vec<Seen> = files.iter().map(|path| Seen::at(path)).collect();
        let is_begun = |seen: &Seen| self.filled.contains(&seen.path) && seen.is_empty();
        let is_at_rest = seen == self.last && !seen.iter().any(is_begun);
        let is_news = is_at_rest && self.known.as_ref() != Some(&seen);
        if is_news {
            self.known = Some(std::mem::replace(&mut self.last, seen));
        } else {
            self.last = seen;
        }
        is_news
    }
}

fn with_content(files: &[PathBuf]) -> Vec<PathBuf> {
    files.iter().filter(|path| Seen::at(path).has_content()).cloned().collect()
}

impl Seen {
    fn at(path: &Path) -> Self {
        let file = fs::metadata(path).map_err(|error| error.kind()).map(|found| Print {
            file: (found.dev(), found.ino()),
            size: found.size(),
            modified: (found.mtime(), found.mtime_nsec()),
            changed: (found.ctime(), found.ctime_nsec()),
        });
        Self { path: path.to_owned(), file }
    }

    fn has_content(&self) -> bool {
        self.file.as_ref().is_ok_and(|print| print.size > 0)
    }

    /// There is a file, and nothing in it.
    fn is_empty(&self) -> bool {
        self.file.as_ref().is_ok_and(|print| print.size == 0)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    /// A watch over one file, and its clock.
    struct Scene {
        directory: tempfile::TempDir,
        watch: Watch,
        now: Instant,
    }

    impl Scene {
        fn begin() -> Self {
            let directory = tempfile::tempdir().expect("a directory");
            let now = Instant::now();
            let mut scene = Self { directory, watch: Watch::new(&[], now), now };
            scene.write("beginning");
            assert_eq!(scene.looks(), [false, true, false], "what was there at first is reported once");
            scene
        }

        fn path(&self) -> PathBuf {
            self.directory.path().join("file")
        }

        fn write(&self, text: &str) {
            fs::write(self.path(), text).expect("written");
        }

        fn look(&mut self) -> bool {
            self.now += EVERY;
            self.watch.is_changed(&[self.path()], self.now)
        }

        fn looks(&mut self) -> [bool; 3] {
            [self.look(), self.look(), self.look()]
        }
    }

    #[test]
    fn every_way_to_replace_a_file_is_reported_once() {
        let mut scene = Scene::begin();
        let path = scene.path();
        let aside = |name: &str, text: &str| {
            let aside = path.with_file_name(name);
            fs::write(&aside, text).expect("written");
            aside
        };
        scene.write("written over");
        assert_eq!(scene.looks(), [false, true, false], "written over");
        fs::rename(aside("new", "renamed into place"), &path).expect("renamed");
        assert_eq!(scene.looks(), [false, true, false], "renamed");
        for (name, text) in [("one", "first link"), ("two", "next link")] {
            let link = path.with_file_name("link");
            symlink(aside(name, text), &link).expect("linked");
            fs::rename(link, &path).expect("renamed");
            assert_eq!(scene.looks(), [false, true, false], "{text}");
        }
        fs::remove_file(&path).expect("removed");
        assert_eq!(scene.looks(), [false, true, false], "removed");
    }

    #[test]
    fn a_file_that_changes_with_every_look_is_left_alone_until_it_rests() {
        let mut scene = Scene::begin();
        for length in 1..9 {
            scene.write(&"half".repeat(length));
            assert!(!scene.look());
        }
        assert_eq!(scene.looks(), [true, false, false]);
    }

    #[test]
    fn a_file_that_was_emptied_is_awaited_until_it_has_content_again() {
        let mut scene = Scene::begin();
        scene.watch.note_reading(&[scene.path()]);
        scene.write("");
        assert_eq!(scene.looks(), [false, false, false]);
        scene.write("whole");
        assert_eq!(scene.looks(), [false, true, false]);
        // One that was read when it was empty may stay so.
        scene.write("");
        scene.watch.note_reading(&[scene.path()]);
        assert_eq!(scene.looks(), [false, true, false]);
    }

    #[test]
    fn files_that_rest_are_read_once() {
        let mut scene = Scene::begin();
        scene.write("changed");
        assert_eq!(scene.looks(), [false, true, false]);
        scene.watch.note_reading(&[scene.path()]);
        assert_eq!(scene.looks(), [false, false, false]);
    }

    #[test]
    fn what_changes_while_it_is_read_is_reported_again() {
        let mut scene = Scene::begin();
        scene.watch.note_reading(&[scene.path()]);
        scene.write("changed meanwhile");
        assert_eq!(scene.looks(), [false, true, false]);
    }

    #[test]
    fn between_two_looks_nothing_is_looked_at() {
        let mut scene = Scene::begin();
        scene.write("changed");
        assert!(!scene.look());
        scene.now -= EVERY / 2;
        assert!(!scene.look());
    }
}
