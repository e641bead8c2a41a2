//! Watching the directory of zone files: what came, went or changed in it is said once it has come to rest.
//!
//! The kernel tells of each file. A program that writes many, or one in several steps, is given time to end: a change is told of when
//! nothing more has happened for a moment, or at the latest a second after it. Where the kernel could not keep up, or the directory
//! itself was replaced, everything is to be compared. [`Watch`] is the type to read first.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::inotify::{self, CreateFlags, ReadFlags, WatchFlags};
use rustix::io::Errno;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::time::Instant;
use tracing::{info, warn};

use super::directory::is_zone_file;
use crate::builder::Scope;

/// Nothing more has to happen for this long before a change is told of.
const QUIET: Duration = Duration::from_millis(100);

/// A change is told of after this long, whatever goes on.
const WAIT_MAX: Duration = Duration::from_secs(1);

/// A file that was made and not closed is taken all the same after this long: it may have been made whole and given its name.
const OPEN_MAX: Duration = Duration::from_secs(2);

/// How often it is looked whether the path still leads to the directory watched.
const CHECK_EVERY: Duration = Duration::from_secs(1);

/// Room for events: some hundreds of them.
const BUFFER: usize = 16 << 10;

/// A directory under watch.
#[derive(Debug)]
pub(crate) struct Watch {
    /// The directory.
    path: PathBuf,
    /// What the kernel tells by; none while it can't be had.
    queue: Option<Queue>,
    /// What has not been told of.
    pending: Pending,
    /// When the path is looked at next.
    check: Instant,
    /// Whether it was said that the directory is not watched.
    has_warned: bool,
}

/// The kernel's queue of events of one directory.
#[derive(Debug)]
struct Queue {
    /// Its descriptor.
    descriptor: AsyncFd<OwnedFd>,
    /// The device and number of the directory.
    directory: (u64, u64),
}

/// Changes not told of.
#[derive(Debug, Default)]
struct Pending {
    /// Files that came, went or changed.
    files: BTreeSet<OsString>,
    /// Files that were made and not closed so far, and since when.
    open: BTreeMap<OsString, Instant>,
    /// Whether it is not known which files.
    all: bool,
    /// When the first and the last of them happened.
    times: Option<(Instant, Instant)>,
}

impl Watch {
    /// Begins to watch a directory. What can't be watched is tried again.
    pub(crate) fn new(path: &Path) -> Self {
        let now = Instant::now();
        let mut watch =
            Watch { path: path.to_owned(), queue: None, pending: Pending::default(), check: now, has_warned: false };
        watch.begin();
        watch
    }

    /// Whether the directory is watched.
    pub(crate) fn is_watching(&self) -> bool {
        self.queue.is_some()
    }

    /// What has changed, once it has come to rest. Nothing is lost when this is not waited for to its end.
    pub(crate) async fn changed(&mut self) -> Scope {
        loop {
            if let Some(scope) = self.pending.take(Instant::now()) {
                return scope;
            }
            let due = self.pending.due().map_or(self.check, |due| due.min(self.check));
            tokio::select! {
                read = readable(self.queue.as_ref(), &mut self.pending) => match read {
                    Ok(true) => {}
                    Ok(false) => self.lost(),
                    Err(error) => {
                        warn!(%error, "zone-watch-ended");
                        self.lost();
                    }
                },
                () = tokio::time::sleep_until(due) => self.look(),
            }
        }
    }

    /// Looks whether the path still leads to the directory watched.
    fn look(&mut self) {
        let now = Instant::now();
        if now < self.check {
            return;
        }
        self.check = now + CHECK_EVERY;
        let watched = self.queue.as_ref().map(|queue| queue.directory);
        if watched.is_none() || directory(&self.path).ok() != watched {
            if watched.is_some() {
                self.lost();
            } else {
                self.begin();
                self.pending.everything(self.queue.is_some());
            }
        }
    }

    /// The directory watched is no longer the one that the path leads to: another may be.
    fn lost(&mut self) {
        self.queue = None;
        self.begin();
        // Without a directory that is said too, by the comparison that fails.
        self.pending.everything(true);
    }

    /// Begins to watch what the path leads to.
    fn begin(&mut self) {
        match Queue::new(&self.path) {
            Ok(queue) => {
                self.queue = Some(queue);
                self.has_warned = false;
                info!(path = %self.path.display(), "zone-directory-watched");
            }
            Err(error) => {
                if !std::mem::replace(&mut self.has_warned, true) {
                    warn!(path = %self.path.display(), %error, "zone-directory-not-watched");
                }
            }
        }
    }
}

impl Queue {
    /// Asks the kernel to tell of a directory.
    fn new(path: &Path) -> io::Result<Self> {
        let descriptor = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?;
        let flags = WatchFlags::CLOSE_WRITE
            | WatchFlags::CREATE
            | WatchFlags::DELETE
            | WatchFlags::MOVED_FROM
            | WatchFlags::MOVED_TO
            | WatchFlags::ATTRIB
            | WatchFlags::DELETE_SELF
            | WatchFlags::MOVE_SELF
            | WatchFlags::ONLYDIR;
        inotify::add_watch(&descriptor, path, flags)?;
        let directory = directory(path)?;
        #[expect(deprecated, reason = "its safe form; an OwnedFd stays the same descriptor as long as it lives")]
        let descriptor = AsyncFd::with_interest(descriptor, Interest::READABLE)?;
        Ok(Queue { descriptor, directory })
    }
}

/// What a path leads to.
fn directory(path: &Path) -> io::Result<(u64, u64)> {
    std::fs::metadata(path).map(|metadata| (metadata.dev(), metadata.ino()))
}

/// Reads the events that have come, when some have; tells whether the directory is still there. Never ends without a queue.
async fn readable(queue: Option<&Queue>, pending: &mut Pending) -> io::Result<bool> {
    let Some(queue) = queue else { return std::future::pending().await };
    let read = |descriptor: &OwnedFd| read(descriptor, pending);
    queue.descriptor.async_io(Interest::READABLE, read).await
}

/// Reads all events there are; [`io::ErrorKind::WouldBlock`] when there are none.
fn read(descriptor: &OwnedFd, pending: &mut Pending) -> io::Result<bool> {
    let mut buffer = [MaybeUninit::uninit(); BUFFER];
    let mut reader = inotify::Reader::new(descriptor, &mut buffer);
    let (mut is_there, mut any) = (true, false);
    loop {
        let event = match reader.next() {
            Ok(event) => event,
            Err(Errno::AGAIN) if any => return Ok(is_there),
            Err(errno) => return Err(errno.into()),
        };
        any = true;
        let flags = event.events();
        let gone = ReadFlags::DELETE_SELF | ReadFlags::MOVE_SELF | ReadFlags::UNMOUNT | ReadFlags::IGNORED;
        is_there &= !flags.intersects(gone);
        if flags.contains(ReadFlags::QUEUE_OVERFLOW) {
            warn!("zone-watch-overflow");
            pending.everything(true);
        }
        if let Some(name) = event.file_name() {
            pending.file(OsStr::from_bytes(name.to_bytes()), flags, Instant::now());
        }
    }
}

impl Pending {
    /// Something happened to a file.
    fn file(&mut self, name: &OsStr, flags: ReadFlags, now: Instant) {
        // Hidden files are what programs write before they rename; what a zone file includes may have any name else.
        if flags.contains(ReadFlags::ISDIR) || !is_zone_file(name) && name.as_bytes().starts_with(b".") {
            return;
        }
        if flags.contains(ReadFlags::CREATE) {
            self.open.insert(name.to_owned(), now);
        } else if !flags.contains(ReadFlags::ATTRIB) || !self.open.contains_key(name) {
            self.open.remove(name);
            self.files.insert(name.to_owned());
        }
        self.happened(now);
    }

    /// It is not known what happened, if anything did.
    fn everything(&mut self, is_so: bool) {
        if is_so {
            self.all = true;
            self.happened(Instant::now());
        }
    }

    /// Something happened.
    fn happened(&mut self, now: Instant) {
        let first = self.times.map_or(now, |(first, _)| first);
        self.times = Some((first, now));
    }

    /// When something may be to be told of.
    fn due(&self) -> Option<Instant> {
        let settled = self.times.map(|(first, last)| (last + QUIET).min(first + WAIT_MAX));
        let opened = self.open.values().min().map(|since| *since + OPEN_MAX);
        settled.into_iter().chain(opened).min()
    }

    /// What is to be told of, if something is and it has come to rest.
    fn take(&mut self, now: Instant) -> Option<Scope> {
        if self.due().is_none_or(|due| due > now) {
            return None;
        }
        let opened = self.open.extract_if(.., |_, since| *since + OPEN_MAX <= now).map(|(name, _)| name);
        self.files.extend(opened.collect::<Vec<_>>());
        self.times = None;
        if std::mem::take(&mut self.all) {
            self.files.clear();
            self.open.clear();
            info!("zone-directory-changed");
            return Some(Scope::all());
        }
        let files = std::mem::take(&mut self.files);
        if files.is_empty() {
            return None;
        }
        info!(files = files.len(), "zone-files-changed");
        Some(Scope::files(files))
    }
}

/// What has changed in a directory, if it is watched; never otherwise.
pub(crate) async fn changed(watch: &mut Option<Watch>) -> Scope {
    match watch {
        Some(watch) => watch.changed().await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The files of a scope.
    fn names(scope: Option<Scope>) -> Vec<String> {
        match scope {
            Some(Scope { is_all: false, files, .. }) => {
                files.into_iter().map(|name| name.into_string().unwrap()).collect()
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_happens_together_is_told_together_when_it_has_come_to_rest() {
        let (mut pending, began) = (Pending::default(), Instant::now());
        for (at, name) in [(0, "a.zone"), (50, "b.zone"), (120, "a.zone"), (120, ".b.zone.swp")] {
            pending.file(OsStr::new(name), ReadFlags::CLOSE_WRITE, began + Duration::from_millis(at));
            assert_eq!(pending.take(began + Duration::from_millis(at + 90)), None);
        }
        assert_eq!(names(pending.take(began + Duration::from_millis(220))), ["a.zone", "b.zone"]);
        assert_eq!(pending.due(), None);
    }

    #[test]
    fn what_never_comes_to_rest_is_told_after_a_second() {
        let (mut pending, began) = (Pending::default(), Instant::now());
        let told = (0..).step_by(50).find_map(|at| {
            let now = began + Duration::from_millis(at);
            pending.file(OsStr::new("a.zone"), ReadFlags::CLOSE_WRITE, now);
            pending.take(now).map(|_| at)
        });
        assert_eq!(told, Some(1000));
    }

    #[test]
    fn a_file_being_written_is_waited_for() {
        let (mut pending, began) = (Pending::default(), Instant::now());
        let later = |ms| began + Duration::from_millis(ms);
        pending.file(OsStr::new("a.zone"), ReadFlags::CREATE, began);
        pending.file(OsStr::new("linked.zone"), ReadFlags::CREATE, began);
        assert_eq!(pending.take(later(500)), None);
        pending.file(OsStr::new("a.zone"), ReadFlags::CLOSE_WRITE, later(600));
        assert_eq!(names(pending.take(later(700))), ["a.zone"]);
        assert_eq!(names(pending.take(later(2000))), ["linked.zone"]);
    }

    #[tokio::test]
    async fn files_and_the_directory_itself_are_watched() {
        let root = tempfile::tempdir().unwrap();
        let (path, other) = (root.path().join("zones"), root.path().join("other"));
        std::fs::create_dir(&path).unwrap();
        std::fs::create_dir(&other).unwrap();
        let mut watch = Watch::new(&path);
        assert!(watch.is_watching());
        std::fs::write(path.join("a.zone"), "a").unwrap();
        assert_eq!(names(Some(watch.changed().await)), ["a.zone"]);
        std::fs::rename(path.join("a.zone"), path.join("b.zone")).unwrap();
        assert_eq!(names(Some(watch.changed().await)), ["a.zone", "b.zone"]);
        std::fs::rename(&path, root.path().join("gone")).unwrap();
        std::fs::rename(&other, &path).unwrap();
        assert_eq!(watch.changed().await, Scope::all());
        std::fs::write(path.join("c.zone"), "c").unwrap();
        assert_eq!(names(Some(watch.changed().await)), ["c.zone"]);
    }
}
