//! The progress table: one cache line a query thread, in a sealed memfd that the supervisor makes, auth writes and both read.
//!
//! It tells stalls, never death: a line whose counter stands while work waits belongs to a thread that hangs. Read [`ProgressTable`]
//! (the writer's side) first, then [`ProgressView`] (the reader's). The table is not a lock and guards no memory: a process that dies
//! leaves its lines as they are, and whoever takes the slot goes on from there.
//!
//! Invariants of the two mappings, named where they are used:
//! - `mapped-whole`: the mapping is `lines * LINE_BYTES` long, page-aligned, and lives as long as the value that holds it;
//! - `sealed-size`: the file can neither shrink nor grow, so that no access within the mapping raises SIGBUS;
//! - `atomics-only`: every process reaches the lines through the atomics of [`ProgressLine`] alone.

use std::error::Error;
use std::fmt;
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicU64, Ordering};

use memmap2::{MmapOptions, MmapRaw};
use rustix::fs::{MemfdFlags, SealFlags};

/// The writer's side: the lines of every query thread of every auth process, mapped to be written.
#[derive(Debug)]
pub struct ProgressTable {
    /// The mapping, read and write.
    mapping: Lines,
}

impl ProgressTable {
    /// Makes a table of `lines` lines, all zero, and gives the descriptor to pass on with the maker's own view of it.
    ///
    /// # Errors
    ///
    /// [`ProgressError`] when the count is out of range or the system refuses the file or the mapping.
    pub fn create(lines: usize) -> Result<(OwnedFd, ProgressView), ProgressError> {
        if !(1..=LINES_MAX).contains(&lines) {
            return Err(ProgressError::Lines { expected_max: LINES_MAX, got: lines });
        }
        let bytes = lines * LINE_BYTES;
        let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
        let descriptor = rustix::fs::memfd_create("trine-progress", flags).map_err(failed("making the file"))?;
        rustix::fs::ftruncate(&descriptor, bytes as u64).map_err(failed("sizing the file"))?;
        rustix::fs::fcntl_add_seals(&descriptor, SIZE_SEALS | SealFlags::SEAL).map_err(failed("sealing the file"))?;
        let view = ProgressView::open(descriptor.try_clone().map_err(failed("copying the descriptor"))?)?;
        Ok((descriptor, view))
    }

    /// Maps an inherited table to be written.
    ///
    /// # Errors
    ///
    /// [`ProgressError`] when the file is not sealed in size, is no table, or can't be mapped.
    pub fn open(descriptor: OwnedFd) -> Result<Self, ProgressError> {
        let file = File::from(descriptor);
        let lines = check(&file)?;
        let raw = MmapOptions::new().len(lines * LINE_BYTES).map_raw(&file).map_err(failed("mapping the file"))?;
        Ok(Self { mapping: Lines { raw, lines } })
    }

    /// Lines in the table.
    pub fn lines(&self) -> usize {
        self.mapping.lines
    }

    /// One thread's line, if the table has it.
    pub fn line(&self, index: usize) -> Option<&ProgressLine> {
        self.mapping.line(index)
    }
}

/// The reader's side: the same lines, mapped to be read.
#[derive(Debug)]
pub struct ProgressView {
    /// The mapping, read only.
    mapping: Lines,
}

impl ProgressView {
    /// Maps a table to be read.
    ///
    /// # Errors
    ///
    /// As [`ProgressTable::open`].
    pub fn open(descriptor: OwnedFd) -> Result<Self, ProgressError> {
        let file = File::from(descriptor);
        let lines = check(&file)?;
        let raw =
            MmapOptions::new().len(lines * LINE_BYTES).map_raw_read_only(&file).map_err(failed("mapping the file"))?;
        Ok(Self { mapping: Lines { raw, lines } })
    }

    /// Lines in the table.
    pub fn lines(&self) -> usize {
        self.mapping.lines
    }

    /// What one thread's line says, if the table has it.
    pub fn read(&self, index: usize) -> Option<Progress> {
        self.mapping.line(index).map(ProgressLine::load)
    }
}

/// What a line said when it was read. Its parts may be of neighbouring moments.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Progress {
    /// Batches since the line was made; moves whenever the thread does.
    pub counter: u64,
    /// The generation of the thread's last batch boundary, 0 before the first.
    pub generation: u64,
    /// Whether the thread is inside a batch: work is in its hands. Otherwise it waits for queries.
    pub is_busy: bool,
}

/// One query thread's line: a cache line of its own, so that threads do not slow one another.
#[derive(Debug)]
#[repr(C, align(64))]
pub struct ProgressLine {
    /// Batches begun and batch boundaries passed.
    counter: AtomicU64,
    /// The generation seen at the last batch boundary.
    generation: AtomicU64,
    /// 1 inside a batch, else 0.
    busy: AtomicU64,
    /// Fills the line.
    reserved: [AtomicU64; 5],
}

impl ProgressLine {
    /// Counts a step forward.
    pub fn bump(&self) {
        // Release; pairs with the acquire load in `load`: who sees the step sees what was stored before it.
        self.counter.fetch_add(1, Ordering::Release);
    }

    /// Says that a batch begins: work is in the thread's hands until [`pass_boundary`](Self::pass_boundary).
    pub fn begin_batch(&self) {
        self.busy.store(1, Ordering::Relaxed);
        self.bump();
    }

    /// Says that a batch is over and the thread holds no generation but `generation`.
    pub fn pass_boundary(&self, generation: u64) {
        self.generation.store(generation, Ordering::Relaxed);
        self.busy.store(0, Ordering::Relaxed);
        self.bump();
    }

    /// Reads the line.
    pub fn load(&self) -> Progress {
        // Acquire; pairs with the release in `bump`.
        let counter = self.counter.load(Ordering::Acquire);
        Progress {
            counter,
            generation: self.generation.load(Ordering::Relaxed),
            is_busy: self.busy.load(Ordering::Relaxed) != 0,
        }
    }
}

/// A mapping of lines, for either side.
#[derive(Debug)]
struct Lines {
    /// The mapped bytes.
    raw: MmapRaw,
    /// How many lines they are.
    lines: usize,
}

impl Lines {
    /// One line, if there is one of that number.
    ///
    /// Over a read-only mapping the caller must not write to the line: [`ProgressView`] gives none away for that reason.
    fn line(&self, index: usize) -> Option<&ProgressLine> {
        if index >= self.lines {
            return None;
        }
        let lines: *const ProgressLine = self.raw.as_ptr().cast();
        // SAFETY: `mapped-whole`: `index` is below the number of lines, so the line lies within the mapping.
        #[expect(unsafe_code, reason = "progress counters live in memory shared with other processes")]
        let line = unsafe { lines.add(index) };
        // SAFETY: `mapped-whole` (in bounds, 64-byte aligned since pages are, lives as long as `self`), `sealed-size` (stays backed by
        // the file), `atomics-only` (shared writes go through atomics, and any bits are a valid `ProgressLine`).
        #[expect(unsafe_code, reason = "progress counters live in memory shared with other processes")]
        let line = unsafe { &*line };
        Some(line)
    }
}

/// Checks that a file is a table whose size is fixed, and gives its number of lines.
fn check(file: &File) -> Result<usize, ProgressError> {
    let seals = rustix::fs::fcntl_get_seals(file).map_err(failed("reading the file's seals"))?;
    if !seals.contains(SIZE_SEALS) {
        return Err(ProgressError::Unsealed { expected: SIZE_SEALS.bits(), got: seals.bits() });
    }
    let bytes = file.metadata().map_err(failed("reading the file's size"))?.len();
    let lines = usize::try_from(bytes).unwrap_or(usize::MAX) / LINE_BYTES;
    if !(1..=LINES_MAX).contains(&lines) || bytes % LINE_BYTES as u64 != 0 {
        return Err(ProgressError::Size {
            expected_multiple_of: LINE_BYTES,
            expected_max: LINES_MAX * LINE_BYTES,
            got: bytes,
        });
    }
    Ok(lines)
}

/// Why there is no progress table.
#[derive(Debug)]
#[non_exhaustive]
pub enum ProgressError {
    /// A table of so many lines is not made.
    Lines {
        /// The most lines there can be.
        expected_max: usize,
        /// The lines asked for.
        got: usize,
    },
    /// The file's size is that of no table.
    Size {
        /// The size of a line.
        expected_multiple_of: usize,
        /// The size of the largest table.
        expected_max: usize,
        /// The file's size.
        got: u64,
    },
    /// The file could still change its size, and with it end this process by SIGBUS.
    Unsealed {
        /// The seals needed.
        expected: u32,
        /// The seals it has.
        got: u32,
    },
    /// The system refused a step.
    System {
        /// What was being done.
        doing: &'static str,
        /// What the system said.
        source: io::Error,
    },
}

impl fmt::Display for ProgressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lines { expected_max, got } => {
                write!(f, "progress table: expected 1 to {expected_max} lines, got {got}")
            }
            Self::Size { expected_multiple_of, expected_max, got } => write!(
                f,
                "progress table: expected a size of a multiple of {expected_multiple_of} up to {expected_max} bytes, got {got}"
            ),
            Self::Unsealed { expected, got } => {
                write!(f, "progress table: expected a file sealed in size (seals {expected:#x}), got seals {got:#x}")
            }
            Self::System { doing, .. } => write!(f, "progress table: {doing}"),
        }
    }
}

impl Error for ProgressError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::System { source, .. } => Some(source),
            Self::Lines { .. } | Self::Size { .. } | Self::Unsealed { .. } => None,
        }
    }
}

/// Turns a system error into ours.
fn failed<E: Into<io::Error>>(doing: &'static str) -> impl Fn(E) -> ProgressError {
    move |source| ProgressError::System { doing, source: source.into() }
}

/// The size of a line: one cache line, so that no two threads write to the same.
pub const LINE_BYTES: usize = 64;

/// The most lines: 64 auth processes of 64 query threads, 256 KiB.
pub const LINES_MAX: usize = 4096;

/// The seals that fix the size.
const SIZE_SEALS: SealFlags = SealFlags::SHRINK.union(SealFlags::GROW);

const _: () = assert!(size_of::<ProgressLine>() == LINE_BYTES && align_of::<ProgressLine>() == LINE_BYTES);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_one_side_writes_the_other_reads() {
        let (descriptor, view) = ProgressTable::create(3).unwrap();
        let table = ProgressTable::open(descriptor).unwrap();
        assert_eq!((table.lines(), view.lines()), (3, 3));
        let line = table.line(2).unwrap();
        line.begin_batch();
        assert_eq!(view.read(2), Some(Progress { counter: 1, generation: 0, is_busy: true }));
        line.pass_boundary(7);
        assert_eq!(view.read(2), Some(Progress { counter: 2, generation: 7, is_busy: false }));
        assert_eq!(view.read(1), Some(Progress::default()));
        assert!(table.line(3).is_none() && view.read(3).is_none());
    }

    #[test]
    fn the_size_can_not_change() {
        let (descriptor, _view) = ProgressTable::create(2).unwrap();
        assert_eq!(rustix::fs::ftruncate(&descriptor, 0), Err(rustix::io::Errno::PERM));
        assert_eq!(rustix::fs::ftruncate(&descriptor, 4096), Err(rustix::io::Errno::PERM));
    }

    #[test]
    fn a_file_that_is_no_table_is_refused() {
        let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
        let unsealed = rustix::fs::memfd_create("unsealed", flags).unwrap();
        rustix::fs::ftruncate(&unsealed, 64).unwrap();
        assert!(matches!(ProgressTable::open(unsealed), Err(ProgressError::Unsealed { .. })));
        let odd = rustix::fs::memfd_create("odd", flags).unwrap();
        rustix::fs::ftruncate(&odd, 65).unwrap();
        rustix::fs::fcntl_add_seals(&odd, SIZE_SEALS).unwrap();
        assert!(matches!(ProgressTable::open(odd), Err(ProgressError::Size { got: 65, .. })));
        assert!(matches!(ProgressTable::create(0), Err(ProgressError::Lines { got: 0, .. })));
    }
}
