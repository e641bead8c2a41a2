//! What lookups pay for changes above the base: a signed registry's zone without any, and with one name in a hundred changed in one, three and
//! seven layers.
//!
//! Of the names that change, seven in ten have another TTL, one comes, one goes with all below it, and one has a key more at its parent; the NSEC chain goes
//! with them. What is asked for is what all stacks answer alike: names in the base, and names that are not there beside proofs that are the same.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::sync::Arc;

use measure::{Measurement, Settings, Subject, interleaved, plain_loop};
use workload::{Kind, QuerySet, Workload, uniform};
use zone_segment::{
    DirectoryEntry, DirectoryWriter, Find, GroupId, Layer, LayerId, LookupName, Name, NameRef, Node, OwnedRecord,
    Segment, SegmentBuffer, SegmentBuilder, SourceRecord, Stack, Zone, ZoneChanges, ZoneId, ZoneSet, ZoneState, map,
};

use crate::Outcome;
use crate::keys::Keys;
use crate::lookup::{KEY, say};
use crate::start::load_average;
use crate::trine::{NSEC, Trine, Work, read_found, read_nsec};

/// What was found with a zone.
#[derive(Debug)]
pub struct Lookups {
    /// Its names.
    pub names: usize,
    /// The stacks: without changes first, and once more as a control.
    pub stacks: Vec<String>,
    /// Tables: a figure a stack.
    pub tables: Vec<Table>,
    /// Octets that a reader keeps for itself of each stack.
    pub private: Vec<usize>,
    /// Octets of each stack's layers above the base.
    pub above: Vec<u64>,
    /// Load averages before and after.
    pub load: [f64; 2],
}

/// One way to ask.
#[derive(Debug)]
pub struct Table {
    /// What is asked.
    pub what: &'static str,
    /// How much longer it may take than without changes.
    pub limit: f64,
    /// A figure a stack.
    pub figures: Vec<Measurement>,
}

/// Measures a zone.
pub fn measure(names: usize, seed: u64, settings: &Settings) -> Outcome<Lookups> {
    say(&format!("building a signed zone of {names} names and stacks of changes above it"));
    let zone = Workload::new(Kind::Tld, names, seed).with_nsec();
    let base = Generation::of_base(&zone)?;
    let mut generations = Vec::new();
    for layers in LAYERS {
        generations.push((format!("{layers} of changes"), base.changed(&zone, layers, names / CHANGED_PART, seed)?));
    }
    let (_, middle) = &generations[1];
    let cut = middle.with_cut()?;
    generations.push((format!("{} of changes, a zone cut gone above names", LAYERS[1] + 1), cut));
    let mut titles = vec![NONE.to_owned(), CONTROL.to_owned()];
    titles.extend(generations.iter().map(|(title, _)| title.clone()));
    let mut zones = vec![base.zone()?, base.zone()?];
    for (_, generation) in &generations {
        zones.push(generation.zone()?);
    }
    let keys = Asked::of(&zone, &zones, if names > QUERIES { QUERIES } else { QUERIES_FEW }, seed);
    let mut lookups = Lookups {
        names,
        private: [&base, &base]
            .into_iter()
            .chain(generations.iter().map(|pair| &pair.1))
            .map(Generation::private)
            .collect(),
        above: [&base, &base]
            .into_iter()
            .chain(generations.iter().map(|pair| &pair.1))
            .map(Generation::above)
            .collect(),
        stacks: titles,
        tables: Vec::new(),
        load: [load_average(); 2],
    };
    let mut take = |what, limit, work, keys: &Keys, is_batched: bool, is_loop: bool| {
        let subject = |(zone, title): (&_, &String)| -> Box<dyn Subject> {
            let single = Trine::of_zone(title, *zone, work, keys);
            if is_batched { Box::new(single.in_batches()) } else { Box::new(single) }
        };
        let mut subjects: Vec<Box<dyn Subject>> = zones.iter().zip(&lookups.stacks).map(subject).collect();
        let figures = if is_loop { plain_loop(&mut subjects, settings) } else { interleaved(&mut subjects, settings) };
        if figures.iter().any(|figure| figure.checksum != figures[0].checksum) {
            return Err(format!("{what}: stacks do not find the same"));
        }
        print(names, what, &figures);
        lookups.tables.push(Table { what, limit, figures });
        Ok(())
    };
    take("name in the base, one at a time", 1.3, Work::Find, &keys.hits, false, false)?;
    take("name in the base, in a plain loop", 1.3, Work::Find, &keys.hits, false, true)?;
    take("name in the base, batches of 32", 1.15, Work::Find, &keys.hits, true, false)?;
    take("missing name with NSEC predecessor, one at a time", 1.6, Work::Deny, &keys.misses, false, false)?;
    take("missing name with NSEC predecessor, batches of 32", 1.6, Work::Deny, &keys.misses, true, false)?;
    lookups.load[1] = load_average();
    Ok(lookups)
}

/// Prints a table.
fn print(names: usize, what: &str, figures: &[Measurement]) {
    for figure in figures {
        println!(
            "{names:>10} {what:<50} {:<32} {:>8.1} ns  × {:.3}  spread {:>4.1} %",
            figure.name,
            figure.mean(),
            figure.mean() / figures[0].mean(),
            figure.spread() * 100.0
        );
    }
}

/// What is asked for.
struct Asked {
    /// Names in the base.
    hits: Keys,
    /// Names that are not there.
    misses: Keys,
}

impl Asked {
    /// Draws names that all zones answer alike.
    fn of(workload: &Workload, zones: &[Zone<'_>], count: usize, seed: u64) -> Asked {
        let draw = |set, work: Work| {
            let picks = uniform(workload.query_count(), seed ^ 0x6c61_7965).take(count + count / 8);
            let names = workload.queries(set, picks, seed);
            let is_alike = |name: &NameRef<'_>| {
                let name = LookupName::new(KEY, *name);
                let answer = |zone: &Zone<'_>| match work {
                    Work::Deny => {
                        let before = zone.predecessor(&name).map_or(0, read_nsec);
                        (read_found(zone.find(&name)), before)
                    }
                    _ => (read_found(zone.find(&name)), 0),
                };
                let first = answer(&zones[0]);
                zones.iter().all(|zone| answer(zone) == first)
            };
            Keys::new(names.iter().filter(is_alike).take(count).map(|name| name.as_wire().to_vec()))
        };
        Asked { hits: draw(QuerySet::Hits, Work::Find), misses: draw(QuerySet::Misses, Work::Deny) }
    }
}

/// A generation with one zone.
struct Generation {
    /// The set of it.
    set: ZoneSet,
    /// The zone's layers, newest first.
    layers: Vec<Layer>,
    /// The apex.
    apex: Name,
}

impl Generation {
    /// The zone without changes.
    fn of_base(zone: &Workload) -> Outcome<Generation> {
        let base = Layer { id: LayerId(1), segment: mapped(&zone.segment(KEY)?)? };
        Generation::after(None, vec![base], zone.apex().parse()?)
    }

    /// A generation of layers, newest first.
    fn after(before: Option<&ZoneSet>, layers: Vec<Layer>, apex: Name) -> Outcome<Generation> {
        let mut directory = DirectoryWriter::new(KEY);
        let (group, floor) = (GroupId(1), LayerId(1));
        directory.entry(DirectoryEntry { apex: apex.clone(), group, zone: ZONE, state: ZoneState::Serving, floor });
        let directory = vec![Layer { id: LayerId(1_000), segment: mapped(&directory.finish()?)? }];
        let groups = vec![(group, Stack::new(layers.clone()))];
        Ok(Generation { set: ZoneSet::after(before, layers.len() as u64, directory, groups)?, layers, apex })
    }

    /// The zone.
    fn zone(&self) -> Outcome<Zone<'_>> {
        Ok(self.set.zone(self.apex.as_ref()).ok_or("the zone is not there")?)
    }

    /// Octets that a reader keeps for itself.
    fn private(&self) -> usize {
        self.set.private_octets()
    }

    /// Octets of layers above the base.
    fn above(&self) -> u64 {
        self.layers[..self.layers.len() - 1].iter().map(|layer| layer.segment.octets().len() as u64).sum()
    }

    /// The same with one more layer.
    fn with(&self, owners: &BTreeMap<Name, Vec<OwnedRecord>>) -> Outcome<Generation> {
        let mut builder = SegmentBuilder::new(KEY);
        builder.changes(ZONE, ZoneChanges::new(&self.zone()?, owners)?)?;
        let id = LayerId(self.layers.len() as u64 + 1);
        let layer = Layer { id, segment: mapped(&builder.into_buffer()?)? };
        let layers = [vec![layer], self.layers.clone()].concat();
        Generation::after(Some(&self.set), layers, self.apex.clone())
    }

    /// The same with so many names changed in so many layers.
    fn changed(&self, workload: &Workload, layers: usize, names: usize, seed: u64) -> Outcome<Generation> {
        let mut picks = uniform(workload.query_count(), seed ^ layers as u64);
        let mut generation = Generation::after(None, self.layers.clone(), self.apex.clone())?;
        for _ in 0..layers {
            let mut drawn = Drawn { zone: generation.zone()?, owners: BTreeMap::new() };
            let mut number = 0;
            while drawn.owners.len() < names.div_ceil(layers) {
                let pick = picks.next().ok_or("no picks left")?;
                let set = if number % 10 == 0 { QuerySet::Misses } else { QuerySet::Hits };
                let name = workload.queries(set, [pick], seed ^ pick as u64);
                number += usize::from(drawn.change(NameRef::from_wire(name.wire(0))?, number % 10));
            }
            let owners = drawn.owners;
            generation = generation.with(&owners)?;
        }
        Ok(generation)
    }

    /// The same with a delegation gone that names lie below: from then on names above those that are found are looked at.
    fn with_cut(&self) -> Outcome<Generation> {
        let zone = self.zone()?;
        let server = zone.nodes().find(|node| node.name().label_count() > zone.apex_label_count() + 1);
        let delegation = server.and_then(|node| node.name().parent()).ok_or("no name below a delegation")?;
        self.with(&BTreeMap::from([(delegation.to_name(), Vec::new())]))
    }
}

/// Changes of one layer while they are drawn.
struct Drawn<'a> {
    /// The zone below them.
    zone: Zone<'a>,
    /// What owners own from then on.
    owners: BTreeMap<Name, Vec<OwnedRecord>>,
}

impl Drawn<'_> {
    /// Changes a name. Gives whether that could be done without a look at what is changed beside it.
    fn change(&mut self, name: NameRef<'_>, kind: usize) -> bool {
        let key = LookupName::new(KEY, name);
        let Some(before) = self.zone.predecessor(&key) else { return false };
        let (is_free, owner) = (!self.owners.contains_key(&before.name().to_name()), name.to_name());
        match (kind, node_of(self.zone, name)) {
            _ if self.owners.contains_key(&owner) => false,
            (0, None) if is_free => {
                let mut records = owned(before);
                let chain: Vec<OwnedRecord> = records.iter().filter(|record| record.rtype == NSEC).cloned().collect();
                records.iter_mut().for_each(|record| point(record, name));
                self.owners.insert(before.name().to_name(), records);
                let server = OwnedRecord { rtype: NS, ttl: 3_600, rdata: SERVER.into() };
                self.owners.insert(owner, [vec![server], chain].concat());
                true
            }
            (1, Some(node)) if is_free => self.remove(before, node),
            (2.., Some(node)) => {
                let mut records = owned(node);
                let of_type = if kind == 2 { DS } else { NS };
                records.iter_mut().filter(|record| record.rtype == of_type).for_each(|record| record.ttl += 1);
                self.owners.insert(owner, records);
                true
            }
            _ => false,
        }
    }

    /// Removes a name and all below it.
    fn remove(&mut self, before: Node<'_>, node: Node<'_>) -> bool {
        let next = node.rrset(NSEC).and_then(|rrset| rrset.rdata().next().map(<[u8]>::to_vec));
        let Some(next) = next.as_deref().and_then(next_of) else { return false };
        let mut records = owned(before);
        records.iter_mut().for_each(|record| point(record, next.as_ref()));
        self.owners.insert(before.name().to_name(), records);
        let name = node.name();
        let key = LookupName::new(KEY, name);
        let below = self.zone.nodes_behind(&key).take_while(|node| node.name().is_at_or_below(name));
        let names: Vec<Name> = below.map(|node| node.name().to_name()).collect();
        self.owners.extend(names.into_iter().map(|name| (name, Vec::new())));
        self.owners.insert(name.to_name(), Vec::new());
        true
    }
}

/// The node of a name with records.
fn node_of<'a>(zone: Zone<'a>, name: NameRef<'_>) -> Option<Node<'a>> {
    match zone.find(&LookupName::new(KEY, name)) {
        Find::Name(node) | Find::Cut(node) if node.name() == name => Some(node),
        _ => None,
    }
}

/// What a node owns.
fn owned(node: Node<'_>) -> Vec<OwnedRecord> {
    let owned =
        |record: SourceRecord<'_>| OwnedRecord { rtype: record.rtype, ttl: record.ttl, rdata: record.rdata.into() };
    node.records().map(owned).collect()
}

/// Makes an NSEC record point to another name.
fn point(record: &mut OwnedRecord, next: NameRef<'_>) {
    if record.rtype == NSEC
        && let Some(old) = next_of(&record.rdata)
    {
        let types = &record.rdata[old.as_ref().as_wire().len()..];
        record.rdata = [next.as_wire(), types].concat().into();
    }
}

/// The next name of an NSEC record.
fn next_of(rdata: &[u8]) -> Option<Name> {
    let mut end = 0;
    while *rdata.get(end)? != 0 {
        end += 1 + usize::from(rdata[end]);
    }
    NameRef::from_wire(&rdata[..=end]).ok().map(|name| name.to_name())
}

/// A segment, written to a file and mapped.
fn mapped(octets: &SegmentBuffer) -> Outcome<Arc<Segment>> {
    let mut file = tempfile::tempfile()?;
    file.write_all(octets)?;
    Ok(Arc::new(map(&file)?))
}

/// Without changes.
const NONE: &str = "none";

/// The same again: what it differs by is noise.
const CONTROL: &str = "none again (control)";

/// Layers above the base.
const LAYERS: [usize; 3] = [1, 3, 7];

/// One name in so many is changed.
const CHANGED_PART: usize = 100;

/// How many names are asked for: more than the processor's caches hold.
const QUERIES: usize = 1 << 19;

/// The same of a small zone.
const QUERIES_FEW: usize = 1 << 13;

/// The number of the zone.
const ZONE: ZoneId = ZoneId(1);

/// The type NS.
const NS: u16 = 2;

/// The type DS.
const DS: u16 = 43;

/// A name server outside of the zone.
const SERVER: &[u8] = b"\x02ns\x07example\0";
