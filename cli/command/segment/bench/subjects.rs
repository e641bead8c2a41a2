//! Lookups as `measure` takes their time: one at a time, and in batches as auth makes them.

use std::marker::PhantomData;

use measure::Subject;
use zone_segment::{Find, LookupName, Node, Zone};

use super::questions::Key;

/// Lookups of a batch: the datagrams that auth takes at once.
pub(super) const BATCH: usize = 32;

/// A kind of lookup. Names are folded and hashed before.
pub(super) trait Lookup {
    /// Looks one name up and reads what it finds.
    fn one(zone: &Zone<'_>, name: &LookupName) -> u64;

    /// Looks a batch up, each pass taking all of its names before the next.
    fn batch(keys: &[Key<'_>], names: &[LookupName]) -> u64;
}

/// Nothing: what is measured of it is that names are folded and hashed.
pub(super) struct Preparing;

impl Lookup for Preparing {
    fn one(_: &Zone<'_>, name: &LookupName) -> u64 {
        name.label_count() as u64
    }

    fn batch(_: &[Key<'_>], names: &[LookupName]) -> u64 {
        names.iter().fold(0, |sum, name| add(sum, name.label_count() as u64))
    }
}

/// What the zone says of a name.
pub(super) struct Finding;

impl Lookup for Finding {
    fn one(zone: &Zone<'_>, name: &LookupName) -> u64 {
        match zone.find(name) {
            Find::Name(node) => read(node),
            Find::Cut(node) | Find::Dname(node) => read(node) + 16,
            Find::Wildcard { source, .. } => read(source) + 32,
            Find::NoName { closest_encloser } => read(closest_encloser) + 48,
        }
    }

    fn batch(keys: &[Key<'_>], names: &[LookupName]) -> u64 {
        keys.iter().zip(names).for_each(|(key, name)| key.zone.prefetch_index(name));
        keys.iter().zip(names).for_each(|(key, name)| key.zone.prefetch_node(name));
        keys.iter().zip(names).fold(0, |sum, (key, name)| add(sum, Finding::one(key.zone, name)))
    }
}

/// The owner of the NSEC record that proves something of a name.
pub(super) struct Preceding;

impl Lookup for Preceding {
    fn one(zone: &Zone<'_>, name: &LookupName) -> u64 {
        zone.predecessor(name).map_or(0, |node| read(node) + 1)
    }

    fn batch(keys: &[Key<'_>], names: &[LookupName]) -> u64 {
        let mut places: [_; BATCH] = std::array::from_fn(|at| keys[at].zone.order_place(&names[at]));
        keys.iter().zip(&mut places).for_each(|(key, place)| key.zone.order_narrow(place));
        let found = |at: usize| keys[at].zone.predecessor_at(&places[at], &names[at]).map_or(0, |node| read(node) + 1);
        (0..BATCH).fold(0, |sum, at| add(sum, found(at)))
    }
}

/// Adds a result to a checksum, such that their order matters.
fn add(sum: u64, result: u64) -> u64 {
    sum.wrapping_mul(3).wrapping_add(result)
}

/// Whether there is a predecessor to any of some names: in a zone signed with NSEC each name has one.
pub(super) fn has_predecessors(keys: &[Key<'_>]) -> bool {
    let mut name = LookupName::default();
    keys.iter().take(BATCH).any(|key| {
        name.set(key.zone.key(), key.name);
        key.zone.predecessor(&name).is_some()
    })
}

/// Reads a node's flags: a checksum that needs the node's record.
fn read(node: Node<'_>) -> u64 {
    u64::from(node.is_apex())
        + u64::from(node.is_cut()) * 2
        + u64::from(node.is_empty_non_terminal()) * 4
        + u64::from(node.has_wildcard_child()) * 8
}

/// Where in its keys a subject is, without a division for each call.
struct Keys<'k> {
    /// All of them, more than are prepared at once.
    all: &'k [Key<'k>],
    /// The position that was prepared last.
    prepared: usize,
    /// The place of its key.
    place: usize,
}

impl<'k> Keys<'k> {
    /// Before the first one.
    fn new(all: &'k [Key<'k>]) -> Keys<'k> {
        Keys { all, prepared: 0, place: 0 }
    }

    /// Takes note of a position, and has the queries from there on in the cache, where a server has those it has just received.
    fn prepare(&mut self, at: usize, operations: usize) {
        self.prepared = at;
        self.place = at % self.all.len();
        for operation in 0..operations {
            std::hint::black_box(self.get(at.wrapping_add(operation)).name.as_wire().first());
        }
    }

    /// The key at a position, not far behind what was prepared.
    fn get(&self, at: usize) -> Key<'k> {
        let place = self.place + at.wrapping_sub(self.prepared);
        self.all[if place < self.all.len() { place } else { place - self.all.len() }]
    }
}

/// Lookups one at a time.
pub(super) struct Single<'k, L> {
    /// What it is called.
    title: &'static str,
    /// What is looked up.
    keys: Keys<'k>,
    /// Room for a prepared name, as a server keeps one.
    name: LookupName,
    /// How it is looked up.
    lookup: PhantomData<L>,
}

impl<'k, L> Single<'k, L> {
    /// Lookups of these keys, of which there is one or more.
    pub(super) fn new(title: &'static str, keys: &'k [Key<'k>]) -> Single<'k, L> {
        Single { title, keys: Keys::new(keys), name: LookupName::default(), lookup: PhantomData }
    }
}

impl<L: Lookup> Subject for Single<'_, L> {
    fn name(&self) -> &str {
        self.title
    }

    fn prepare(&mut self, at: usize, operations: usize) {
        self.keys.prepare(at, operations);
    }

    fn call(&mut self, at: usize) -> u64 {
        let key = self.keys.get(at);
        self.name.set(key.zone.key(), key.name);
        L::one(key.zone, &self.name)
    }
}

/// Lookups in batches.
pub(super) struct Batch<'k, L> {
    /// What it is called.
    title: &'static str,
    /// What is looked up.
    keys: Keys<'k>,
    /// The keys of a batch.
    batch: Vec<Key<'k>>,
    /// Room for their prepared names.
    names: Vec<LookupName>,
    /// How they are looked up.
    lookup: PhantomData<L>,
}

impl<'k, L> Batch<'k, L> {
    /// Lookups of these keys, of which there is one or more.
    pub(super) fn new(title: &'static str, keys: &'k [Key<'k>]) -> Batch<'k, L> {
        let names = vec![LookupName::default(); BATCH];
        Batch { title, keys: Keys::new(keys), batch: Vec::with_capacity(BATCH), names, lookup: PhantomData }
    }
}

impl<L: Lookup> Subject for Batch<'_, L> {
    fn name(&self) -> &str {
        self.title
    }

    fn operations_per_call(&self) -> usize {
        BATCH
    }

    fn prepare(&mut self, at: usize, operations: usize) {
        self.keys.prepare(at, operations);
    }

    fn call(&mut self, at: usize) -> u64 {
        self.batch.clear();
        self.batch.extend((0..BATCH).map(|operation| self.keys.get(at.wrapping_add(operation))));
        for (key, name) in self.batch.iter().zip(&mut self.names) {
            name.set(key.zone.key(), key.name);
        }
        L::batch(&self.batch, &self.names)
    }
}
