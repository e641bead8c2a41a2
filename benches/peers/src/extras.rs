//! What a segment takes: octets by part, beside its text; and how long it takes to open.

use std::fs::File;
use std::path::Path;
use std::time::{Duration, Instant};

use measure::{PageSizes, page_size};
use zone_segment::{PartStatistics, Segment, SegmentOctets};

use crate::Outcome;

/// What a segment takes.
#[derive(Debug)]
pub struct Sizes {
    /// Names of the zone, as its kind counts them.
    pub delegations: usize,
    /// Owner names.
    pub names: u64,
    /// Records.
    pub records: u64,
    /// Octets of the file.
    pub octets: u64,
    /// Octets of the zone as text.
    pub text_octets: u64,
    /// The tables.
    pub parts: Vec<PartStatistics>,
    /// How it is mapped when all of it was touched.
    pub pages: PageSizes,
    /// What opening it takes.
    pub opening: Opening,
}

/// What opening a segment takes.
#[derive(Debug)]
pub struct Opening {
    /// The time in the middle of many.
    pub time: Duration,
    /// How far the middle half of them lie apart, as a part of it.
    pub spread: f64,
    /// Octets that are mapped right after it: of those that were touched, the kernel maps what lies around them too.
    pub rss: u64,
    /// How many pages were touched: faults of opening it.
    pub faults: u64,
}

impl Sizes {
    /// Reads them off a segment whose pages were all touched.
    pub fn of<B: SegmentOctets>(
        segment: &Segment<B>,
        delegations: usize,
        text_octets: u64,
        path: &Path,
    ) -> Outcome<Sizes> {
        let statistics = segment.statistics();
        Ok(Sizes {
            delegations,
            names: statistics.names,
            records: statistics.records,
            octets: statistics.octets,
            text_octets,
            parts: statistics.parts,
            pages: page_size(segment.octets())?,
            opening: Opening::of(path)?,
        })
    }

    /// Octets a name of index and order: of all parts that hold no names and no records.
    pub fn index_octets(&self) -> f64 {
        let found = self.parts.iter().filter(|part| INDEX_PARTS.contains(&part.part)).map(|part| part.octets);
        found.sum::<u64>() as f64 / self.names as f64
    }

    /// Octets a name of the whole file.
    pub fn octets_a_name(&self) -> f64 {
        self.octets as f64 / self.names as f64
    }

    /// The file as a part of the text.
    pub fn part_of_text(&self) -> f64 {
        self.octets as f64 / self.text_octets as f64
    }
}

impl Opening {
    /// Opens a file many times.
    fn of(path: &Path) -> Outcome<Opening> {
        let mut times = Vec::new();
        for _ in 0..OPENINGS {
            let file = File::open(path)?;
            let begin = Instant::now();
            let segment = zone_segment::map(&file)?;
            times.push(begin.elapsed());
            drop(segment);
        }
        times.sort_unstable();
        let quartile = |part: usize| times[times.len() * part / 4];
        let file = File::open(path)?;
        let before = faults();
        let segment = zone_segment::map(&file)?;
        let faults = faults() - before;
        let rss = page_size(segment.octets())?.rss;
        let spread = (quartile(3) - quartile(1)).as_secs_f64() / quartile(2).as_secs_f64();
        Ok(Opening { time: quartile(2), spread, rss, faults })
    }
}

/// Page faults of this process so far.
fn faults() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // Behind the name in parentheses: state, seven numbers, then minor faults, those of children, and major ones.
    let fields = stat.rsplit(") ").next().unwrap_or_default().split(' ');
    let fields: Vec<u64> = fields.map(|field| field.parse().unwrap_or(0)).collect();
    fields.get(7).copied().unwrap_or(0) + fields.get(9).copied().unwrap_or(0)
}

/// The parts that find names and put them in order.
const INDEX_PARTS: [&str; 4] = ["index", "order", "separators", "blocks"];

/// How often a segment is opened for one figure.
const OPENINGS: usize = 201;
