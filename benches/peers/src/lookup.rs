//! Lookups at each size: Trine beside the pair of reads, one at a time; then Trine and the others in one plain loop.
//!
//! The order saves memory: the segment with NSEC records and its two competitors go before the others come.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use measure::{Pair, Settings, Subject, queries, touch};
use tempfile::TempDir;
use workload::{Kind, QuerySet, Workload};
use zone_segment::{HashKey, Segment, SegmentOctets, write_file};

use crate::content::Content;
use crate::extras::Sizes;
use crate::goals::{self, BATCHED, CONTROL, HASHING, HASHING_BATCHED, NSEC_CONTROL, NSEC_PAIR, PAIR, TRINE};
use crate::keys::Keys;
use crate::page::{self, Report};
use crate::run::{Group, Mode, Set};
use crate::stores::{
    ArchivedHash, ArchivedTree, Ask, Asked, Before, FastMap, Lmdb, Ordered, StdMap, Store, Sync, Trie,
};
use crate::trine::{Trine, Work};
use crate::{Options, Outcome, machine};

/// Measures everything and writes the page.
pub fn run(options: &Options) -> Outcome<()> {
    let mut sizes = options.sizes();
    sizes.sort_unstable();
    sizes.dedup();
    let mut bench = Bench { seed: options.seed, settings: options.settings(), report: Report::new(options.seed) };
    let scratch = TempDir::with_prefix_in("trine-peers-", &options.scratch)?;
    for names in &sizes {
        bench.registry(*names, scratch.path())?;
    }
    let others = sizes.iter().rev().find(|names| **names <= OTHERS_NAMES_MAX).or(sizes.first());
    let kinds = [Kind::Flat, Kind::Deep, Kind::Many];
    others
        .into_iter()
        .flat_map(|names| kinds.map(|kind| (kind, *names)))
        .try_for_each(|(kind, names)| bench.other(kind, names, scratch.path()))?;
    bench.report.goals = goals::of(&bench.report.figures, &bench.report.sizes);
    bench.report.peak_octets = machine::peak_octets();
    page::print_goals(&bench.report.goals);
    if let Some(out) = &options.out {
        page::write(&bench.report, out)?;
    }
    Ok(())
}

/// A run.
struct Bench {
    /// What is drawn from.
    seed: u64,
    /// How long is measured.
    settings: Settings,
    /// What was found.
    report: Report,
}

/// What is asked of a zone.
struct Queries {
    /// Names that are there.
    hits: Keys,
    /// Few of them often.
    popular: Keys,
    /// Names below zone cuts; none of kinds without.
    referrals: Option<Keys>,
    /// Names that are not there.
    missing: Keys,
}

impl Queries {
    /// Draws them: a million of each, more for larger zones, so that what they read is far larger than any cache.
    fn of(zone: &Workload, seed: u64) -> Queries {
        let count = zone.query_count();
        let asked =
            (count.next_power_of_two() / 2).clamp(1 << 14, 1 << 22).max(if count > 100_000 { 1 << 20 } else { 0 });
        let keys = |set, picks: Vec<u32>| {
            let names = zone.queries(set, picks.into_iter().map(|pick| pick as usize), seed);
            (!names.is_empty()).then(|| Keys::new(names.iter().map(|name| name.as_wire())))
        };
        let uniform = |set, seed| keys(set, queries::uniform(seed, count as u32, asked));
        Queries {
            hits: uniform(QuerySet::Hits, seed).expect("hits"),
            popular: keys(QuerySet::Hits, queries::zipf(seed, count as u32, asked, queries::ZIPF_EXPONENT))
                .expect("hits"),
            referrals: uniform(QuerySet::BelowCuts, seed + 1),
            missing: uniform(QuerySet::Misses, seed + 2).expect("missing names"),
        }
    }

    /// The same in canonical form.
    fn canonical(&self) -> Queries {
        Queries {
            hits: self.hits.canonical(),
            popular: self.popular.canonical(),
            referrals: self.referrals.as_ref().map(Keys::canonical),
            missing: self.missing.canonical(),
        }
    }
}

impl Bench {
    /// A registry's zone of one size.
    fn registry(&mut self, names: usize, scratch: &Path) -> Outcome<()> {
        let zone = Workload::new(Kind::Tld, names, self.seed);
        say(&format!("{names} delegations: writing text and segments"));
        let text_octets = zone.write_text(io::sink())?;
        let path = write_segment(&zone, scratch, "plain")?;
        let queries = Queries::of(&zone, self.seed);
        let nsec_path = write_segment(&zone.with_nsec(), scratch, "nsec")?;
        self.denial(names, &queries.missing, &nsec_path, scratch)?;
        std::fs::remove_file(&nsec_path)?;

        let segment = open(&path)?;
        self.report.sizes.push(Sizes::of(&segment, names, text_octets, &path)?);
        let folder = scratch.join(format!("stores-{names}"));
        std::fs::create_dir_all(&folder)?;
        self.hits(names, &segment, &queries, &folder)?;
        std::fs::remove_dir_all(&folder)?;
        drop(segment);
        std::fs::remove_file(&path)?;
        say(&format!("{names} delegations: {:.1} GiB at most so far", machine::peak_octets() as f64 / GIB));
        Ok(())
    }

    /// Missing names and what proves it, in a segment with an NSEC chain, and the two others that can find a predecessor.
    fn denial(&mut self, names: usize, missing: &Keys, path: &Path, scratch: &Path) -> Outcome<()> {
        let segment = open(path)?;
        self.report.nsec_octets.push((names, segment.len(), measure::page_size(segment.octets())?));
        say(&format!("{names} delegations: filling ordered stores with the NSEC chain"));
        let content = Content::chain_of(&segment);
        let ordered = Ordered::new(&content);
        let folder = scratch.join("chain");
        let lmdb = Lmdb::new(&content, &folder)?;
        let keys = missing.canonical();
        for mode in [Mode::Single, Mode::Loop] {
            let mut group: Group<'_> = vec![
                (Set::Denial, boxed(Trine::single(TRINE, &segment, Work::Deny, missing))),
                (Set::Denial, boxed(Trine::batch(BATCHED, &segment, Work::Deny, missing))),
                (Set::Denial, boxed(Before::new("std BTreeMap range", &keys, |key| ordered.before(key)))),
                (Set::Denial, boxed(Before::new("LMDB cursor", &keys, |key| lmdb.before(key)))),
            ];
            if mode == Mode::Single {
                group.push((Set::Memory, boxed(Pair::new(NSEC_PAIR, segment.octets(), self.seed))));
                group.push((Set::Memory, boxed(Pair::new(NSEC_CONTROL, segment.octets(), self.seed + 1))));
            }
            self.report.figures.measure(Kind::Tld, names, mode, group, &self.settings);
        }
        drop(lmdb);
        Ok(std::fs::remove_dir_all(&folder)?)
    }

    /// Everything else: Trine and the others.
    fn hits<B: SegmentOctets>(
        &mut self,
        names: usize,
        segment: &Segment<B>,
        queries: &Queries,
        folder: &Path,
    ) -> Outcome<()> {
        say(&format!("{names} delegations: filling stores"));
        let content = Content::of(segment);
        self.report.value_octets.push((names, content.value_octets()));
        // First what needs most memory on its way, in a map that only those two need.
        let map: HashMap<Vec<u8>, Vec<u8>> =
            content.entries().map(|(name, value)| (name.to_vec(), value.to_vec())).collect();
        let sync = Sync::new(&map, &folder.join("mmap-sync"));
        let hash = ArchivedHash::new(&map, &folder.join("hash"))?;
        drop(map);
        let tree = ArchivedTree::new(&content, &folder.join("tree"))?;
        let lmdb = Lmdb::new(&content, &folder.join("lmdb"))?;
        let (hashed, ordered) = (hash.open()?, tree.open()?);
        let (std_map, fast_map, trie) = (StdMap::new(&content), FastMap::new(&content), Trie::new(&content));
        if let Err(error) = &sync {
            say(&format!("{names} delegations: mmap-sync is left out: {error}"));
            self.report.notes.push(format!("mmap-sync is left out at {names} delegations: {error}."));
        }
        self.report.archives.push(page::Archives {
            names,
            hash: (hash.octets() as u64, hash.check),
            tree: (tree.octets() as u64, tree.check),
            lmdb: lmdb.octets()?,
        });
        let canonical = queries.canonical();
        for mode in [Mode::Single, Mode::Loop] {
            let mut group = trine(segment, queries, Work::Find);
            if mode == Mode::Single {
                group.push((Set::Memory, boxed(Pair::new(PAIR, segment.octets(), self.seed))));
                group.push((Set::Memory, boxed(Pair::new(CONTROL, segment.octets(), self.seed + 1))));
            }
            push_asked(&mut group, &std_map, queries, &canonical);
            push_asked(&mut group, &fast_map, queries, &canonical);
            push_asked(&mut group, &hashed, queries, &canonical);
            push_asked(&mut group, &ordered, queries, &canonical);
            push_asked(&mut group, &lmdb, queries, &canonical);
            push_asked(&mut group, &trie, queries, &canonical);
            if let Ok(sync) = &sync {
                push_asked(&mut group, sync, queries, &canonical);
            }
            self.report.figures.measure(Kind::Tld, names, mode, group, &self.settings);
        }
        Ok(())
    }

    /// A zone of another kind, beside the pair and the fastest of the others.
    fn other(&mut self, kind: Kind, names: usize, scratch: &Path) -> Outcome<()> {
        say(&format!("{names} names of kind {}", kind.name()));
        let zone = Workload::new(kind, names, self.seed);
        let path = write_segment(&zone, scratch, kind.name())?;
        let segment = open(&path)?;
        let queries = Queries::of(&zone, self.seed);
        let content = Content::of(&segment);
        let fast_map = FastMap::new(&content);
        let work = if kind == Kind::Many { Work::FindZone } else { Work::Find };
        for mode in [Mode::Single, Mode::Loop] {
            let mut group = trine(&segment, &queries, work);
            if mode == Mode::Single {
                group.push((Set::Memory, boxed(Pair::new(PAIR, segment.octets(), self.seed))));
            }
            group.push((Set::Hit, boxed(Asked::new(&fast_map, &queries.hits, Ask::Exact))));
            self.report.figures.measure(kind, names, mode, group, &self.settings);
        }
        drop(segment);
        Ok(std::fs::remove_file(&path)?)
    }
}

/// Trine, asked everything.
fn trine<'a, B: SegmentOctets>(segment: &'a Segment<B>, queries: &'a Queries, work: Work) -> Group<'a> {
    let mut group: Group<'a> = Vec::new();
    let sets = [
        (Set::Hit, Some(&queries.hits)),
        (Set::Popular, Some(&queries.popular)),
        (Set::Referral, queries.referrals.as_ref()),
        (Set::Missing, Some(&queries.missing)),
    ];
    for (set, keys) in sets.into_iter().filter_map(|(set, keys)| Some((set, keys?))) {
        group.push((set, boxed(Trine::single(TRINE, segment, work, keys))));
        group.push((set, boxed(Trine::batch(BATCHED, segment, work, keys))));
        if set == Set::Hit {
            group.push((set, boxed(Trine::single(HASHING, segment, work, keys).with_hashing())));
            group.push((set, boxed(Trine::batch(HASHING_BATCHED, segment, work, keys).with_hashing())));
        }
    }
    group
}

/// A store, asked everything.
fn push_asked<'a, S: Store>(group: &mut Group<'a>, store: &'a S, wire: &'a Queries, canonical: &'a Queries) {
    let queries = if S::IS_CANONICAL { canonical } else { wire };
    group.push((Set::Hit, boxed(Asked::new(store, &queries.hits, Ask::Exact))));
    group.push((Set::Popular, boxed(Asked::new(store, &queries.popular, Ask::Exact))));
    group.push((Set::Missing, boxed(Asked::new(store, &queries.missing, Ask::Exact))));
    if let Some(referrals) = &queries.referrals {
        group.push((Set::Referral, boxed(Asked::new(store, referrals, Ask::Upwards))));
    }
}

/// A subject on the heap.
fn boxed<'a>(subject: impl Subject + 'a) -> Box<dyn Subject + 'a> {
    Box::new(subject)
}

/// Writes a zone's segment as the server does.
fn write_segment(zone: &Workload, scratch: &Path, name: &str) -> Outcome<PathBuf> {
    let octets = zone.segment(KEY)?;
    write_file(scratch, name, &octets)?;
    Ok(scratch.join(name))
}

/// Maps a segment and touches all of it.
fn open(path: &Path) -> Outcome<Segment> {
    let segment = zone_segment::map(&File::open(path)?)?;
    std::hint::black_box(touch(segment.octets()));
    Ok(segment)
}

/// Says on standard error how far it is.
pub fn say(text: &str) {
    eprintln!("{text}");
}

/// The key of the name hash: fixed, so that every run has the same buckets.
pub const KEY: HashKey = HashKey(*b"sixteen octets!!");

/// The most names of the kinds that are not a registry's.
const OTHERS_NAMES_MAX: usize = 1_000_000;

/// Octets of a GiB.
const GIB: f64 = (1_u64 << 30) as f64;
