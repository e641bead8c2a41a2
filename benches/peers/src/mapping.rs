//! Ways to map one segment: where the file lies, what the kernel is told of it, and what lookups cost then.

use std::fmt::Write as _;
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use measure::{Measurement, PageSizes, Pair, Settings, Subject, interleaved, page_size, touch};
use memmap2::Advice;
use rustix::fs::{MemfdFlags, memfd_create};
use rustix::mount::{MountFlags, UnmountFlags, mount, unmount};
use tempfile::TempDir;
use workload::{Kind, QuerySet, Workload, uniform};
use zone_segment::{Segment, SegmentBuffer, write_file};

use crate::keys::Keys;
use crate::lookup::{KEY, say};
use crate::mapped::Mapped;
use crate::page::{percent, thousands};
use crate::trine::{Trine, Work};
use crate::{Options, Outcome, machine};

/// Where a file lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// On the disk.
    Disk,
    /// In shared memory as the system mounts it.
    SharedMemory,
    /// In shared memory mounted with `huge=always`.
    HugeSharedMemory,
    /// In anonymous shared memory.
    Memfd,
}

/// How it is mapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum How {
    /// As the product does.
    Plain,
    /// With all pages at once.
    Populate,
    /// With advice.
    Advise(Advice),
}

/// A segment mapped in one of the ways.
struct Way {
    /// The way.
    name: &'static str,
    /// The segment.
    segment: Segment<Mapped>,
    /// Time to map and open it.
    map: Duration,
    /// Time to touch all of it after that.
    touch: Duration,
    /// Its pages then.
    pages: PageSizes,
}

/// The ways.
const WAYS: [(Place, How, &str); 10] = [
    (Place::Disk, How::Plain, "file on disk"),
    (Place::Disk, How::Populate, "file on disk, MAP_POPULATE"),
    (Place::Disk, How::Advise(Advice::HugePage), "file on disk, MADV_HUGEPAGE"),
    (Place::Disk, How::Advise(Advice::WillNeed), "file on disk, MADV_WILLNEED"),
    (Place::Disk, How::Advise(Advice::Random), "file on disk, MADV_RANDOM"),
    (Place::SharedMemory, How::Plain, "tmpfs"),
    (Place::SharedMemory, How::Advise(Advice::HugePage), "tmpfs, MADV_HUGEPAGE"),
    (Place::HugeSharedMemory, How::Plain, "tmpfs, huge=always"),
    (Place::Memfd, How::Plain, "memfd"),
    (Place::Memfd, How::Advise(Advice::HugePage), "memfd, MADV_HUGEPAGE"),
];

/// Measures all ways at each size and writes the page.
pub fn run(options: &Options) -> Outcome<()> {
    let mut out = String::from(
        "# Ways to map a segment\n\nWritten by the command below; nothing on this page is edited by hand. Times of lookups are nanoseconds.\n\n| | |\n|---|---|\n",
    );
    for (what, value) in machine::heading() {
        writeln!(out, "| {what} | {value} |")?;
    }
    let scratch = TempDir::with_prefix_in("trine-peers-", &options.scratch)?;
    writeln!(out, "| file system of the disk | {} |", file_system(scratch.path()))?;
    writeln!(out, "| seed | {} |", options.seed)?;
    for names in options.sizes() {
        let zone = Workload::new(Kind::Tld, names, options.seed);
        let octets = zone.segment(KEY)?;
        let picks = uniform(zone.query_count(), options.seed).take(names.next_power_of_two().clamp(1 << 14, 1 << 20));
        let keys = zone.queries(QuerySet::Hits, picks, options.seed);
        let keys = Keys::new(keys.iter().map(|name| name.as_wire()));
        writeln!(out, "\n## {} delegations, {} octets\n", thousands(names as u64), thousands(octets.len() as u64))?;
        writeln!(
            out,
            "| | map and open | touch all | mapped in 2 MiB pages | hit | × pair | batch of 32 | × pair | pair |"
        )?;
        writeln!(out, "|---|---:|---:|---:|---:|---:|---:|---:|---:|")?;
        push_ways(&mut out, &octets, &keys, scratch.path(), &options.settings())?;
    }
    out.push_str(HOW);
    println!("{out}");
    if let Some(folder) = &options.out {
        std::fs::create_dir_all(folder)?;
        std::fs::write(folder.join("mapping.md"), out)?;
    }
    Ok(())
}

/// Maps the segment in each way, measures lookups in all of them together, and writes a line for each.
fn push_ways(
    out: &mut String,
    octets: &SegmentBuffer,
    keys: &Keys,
    scratch: &Path,
    settings: &Settings,
) -> Outcome<()> {
    let places = [Place::Disk, Place::SharedMemory, Place::HugeSharedMemory, Place::Memfd];
    let placed = places.map(|place| (place, Placed::new(place, octets, scratch)));
    let mut ways = Vec::new();
    for (place, how, name) in WAYS {
        say(name);
        let placed = placed.iter().find(|(other, _)| *other == place).map(|(_, placed)| placed);
        match placed
            .ok_or("no such place".to_owned())
            .and_then(|placed| placed.as_ref().map_err(|error| error.to_string()))
        {
            Ok(placed) => ways.push(Way::new(name, how, &placed.file)?),
            Err(error) => {
                say(&format!("SKIPPED: {name}: {error}"));
                writeln!(out, "| {name} | skipped: {error} | | | | | | | |")?;
            }
        }
    }
    let mut subjects: Vec<Box<dyn Subject + '_>> = Vec::new();
    for Way { segment, .. } in &ways {
        subjects.push(Box::new(Trine::single("hit", segment, Work::Find, keys)));
        subjects.push(Box::new(Trine::batch("batch", segment, Work::Find, keys)));
        subjects.push(Box::new(Pair::new("pair", segment.octets(), settings.seed)));
    }
    let figures = interleaved(&mut subjects, settings);
    ways.iter().zip(figures.chunks(3)).try_for_each(|(way, figures)| push_line(out, way, figures))
}

/// A segment's file at some place, for as long as it is needed.
struct Placed {
    /// The file.
    file: File,
    /// Unmounted before its folder goes.
    _mounted: Option<Mounted>,
    /// Its folder, if it has one.
    _folder: Option<TempDir>,
}

impl Placed {
    /// Writes a segment there.
    fn new(place: Place, octets: &SegmentBuffer, scratch: &Path) -> Outcome<Placed> {
        if place == Place::Memfd {
            let mut file = File::from(memfd_create("segment", MemfdFlags::CLOEXEC)?);
            file.write_all(octets)?;
            return Ok(Placed { file, _mounted: None, _folder: None });
        }
        let folder = match place {
            Place::SharedMemory => TempDir::with_prefix_in("trine-peers-", "/dev/shm")?,
            _ => TempDir::new_in(scratch)?,
        };
        let mounted = match place {
            Place::HugeSharedMemory => Some(Mounted::at(folder.path())?),
            _ => None,
        };
        write_file(folder.path(), "segment", octets)?;
        let file = File::open(folder.path().join("segment"))?;
        Ok(Placed { file, _mounted: mounted, _folder: Some(folder) })
    }
}

impl Way {
    /// Maps a file and touches all of it.
    fn new(name: &'static str, how: How, file: &File) -> Outcome<Way> {
        let begin = Instant::now();
        let mapped = match how {
            How::Populate => Mapped::populated(file)?,
            How::Plain | How::Advise(_) => Mapped::of(file)?,
        };
        if let How::Advise(advice) = how {
            mapped.advise(advice)?;
        }
        let segment = Segment::open(mapped)?;
        let map = begin.elapsed();
        let begin = Instant::now();
        std::hint::black_box(touch(segment.octets()));
        let touch = begin.elapsed();
        let pages = page_size(segment.octets())?;
        Ok(Way { name, segment, map, touch, pages })
    }
}

/// Writes a line of the table.
fn push_line(out: &mut String, way: &Way, figures: &[Measurement]) -> Outcome<()> {
    let [hit, batch, pair] = [0, 1, 2].map(|figure: usize| figures[figure].mean());
    Ok(writeln!(
        out,
        "| {} | {:.2} ms | {:.2} ms | {} | {hit:.0} | {:.2} | {batch:.0} | {:.2} | {pair:.0} |",
        way.name,
        way.map.as_secs_f64() * 1_000.0,
        way.touch.as_secs_f64() * 1_000.0,
        percent(way.pages.huge(), way.pages.rss),
        hit / pair,
        batch / pair,
    )?)
}

/// A tmpfs with huge pages, unmounted when it is dropped.
struct Mounted(PathBuf);

impl Mounted {
    /// Mounts one.
    fn at(folder: &Path) -> Outcome<Mounted> {
        let mounted = mount("tmpfs", folder, "tmpfs", MountFlags::empty(), c"huge=always");
        mounted.map_err(|error| format!("mounting it needs root: {error}"))?;
        Ok(Mounted(folder.to_owned()))
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        // Lazily: the file is still open.
        if let Err(error) = unmount(&self.0, UnmountFlags::DETACH) {
            say(&format!("unmounting {}: {error}", self.0.display()));
        }
    }
}

/// The file system that a folder is on.
fn file_system(folder: &Path) -> String {
    let mounts = std::fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    let on = mounts.lines().filter_map(|line| {
        let mut fields = line.split(' ').skip(1);
        let (point, kind) = (fields.next()?, fields.next()?);
        folder.starts_with(point).then_some((point.len(), kind))
    });
    on.max_by_key(|(length, _)| *length).map_or("unknown", |(_, kind)| kind).to_owned()
}

/// How figures come about.
const HOW: &str = "
The file has just been written, so that it is in the page cache: to map is to map what is in memory. Then lookups in all of these mappings, and the pair of reads in
each, are measured in one run, one at a time, in slices of about 10 ms that take turns. All ways of one place map the same file. `trine` maps files on disk
without any advice, which needs no set-up.
";
