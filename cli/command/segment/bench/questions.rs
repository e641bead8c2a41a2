//! What is asked: names drawn from a segment's largest zones, and names made from those.

use measure::{Random, queries};
use zone_segment::{Find, LABEL_OCTETS_MAX, LookupName, Name, NameRef, Segment, Zone};

/// Tries to make a name that does not exist from one that does.
const TRIES_MAX: usize = 8;

/// Keys there are at least of each kind, if there are any: they are asked again in the same order until there are as many.
const KEYS_MIN: usize = 2 * measure::PREPARED_OPERATIONS_MAX;

/// Everything that is asked of a segment.
pub(super) struct Questions<'a> {
    /// The zones that names are drawn from.
    pub(super) zones: Vec<Zone<'a>>,
    /// Names that exist with authority and own something.
    pub(super) hits: Drawn,
    /// Zone cuts, and names below them.
    pub(super) referrals: Drawn,
    /// Names that do not exist.
    pub(super) missing: Drawn,
}

impl<'a> Questions<'a> {
    /// Draws `count` questions of each kind. Reads every node of the largest zones.
    pub(super) fn of(segment: &'a Segment, count: usize, seed: u64) -> Questions<'a> {
        let zones = largest_zones(segment);
        let mut random = Random::new(seed);
        let [mut hits, mut cuts, mut names] = [(); 3].map(|()| Pool::new(count));
        for (zone, node) in zones.iter().enumerate().flat_map(|(at, zone)| zone.nodes().map(move |node| (at, node))) {
            if node.is_occluded() {
                continue;
            }
            let found = (zone as u32, node.name());
            names.offer(found, &mut random);
            if node.is_cut() {
                cuts.offer(found, &mut random);
            } else if !node.is_empty_non_terminal() {
                hits.offer(found, &mut random);
            }
        }
        Questions {
            hits: hits.draw(count, seed, |zone, name, out| {
                out.add(zone, name);
            }),
            referrals: cuts.draw(count, seed + 1, |zone, name, out| {
                match below(name).filter(|_| random.below(2) == 0) {
                    Some(below) => out.add(zone, below.as_ref()),
                    None => out.add(zone, name),
                }
            }),
            missing: {
                let mut lookup = LookupName::default();
                let mut random = Random::new(seed + 2);
                names.draw(count, seed + 2, |at, name, out| {
                    let zone = &zones[at as usize];
                    if let Some(missing) = missing(zone, name, &mut random, &mut lookup) {
                        out.add(at, missing.as_ref());
                    }
                })
            },
            zones,
        }
    }
}

/// The largest zones of a segment that together have half of its names or more, the largest first.
fn largest_zones(segment: &Segment) -> Vec<Zone<'_>> {
    let mut zones: Vec<Zone<'_>> = segment.zones().collect();
    zones.sort_by_key(|zone| std::cmp::Reverse(zone.name_count()));
    let all: u64 = zones.iter().map(|zone| zone.name_count()).sum();
    let mut sum = 0;
    let wanted = zones.iter().take_while(|zone| {
        let is_wanted = sum < all.div_ceil(2);
        sum += zone.name_count();
        is_wanted
    });
    let wanted = wanted.count();
    zones.truncate(wanted);
    zones
}

/// A name below a zone cut; none when it would be too long.
fn below(cut: NameRef<'_>) -> Option<Name> {
    cut.to_name().prepend_label(b"www").ok()
}

/// A name beside one that exists, or below it if that is the apex, of which the zone says that there is none.
fn missing(zone: &Zone<'_>, name: NameRef<'_>, random: &mut Random, lookup: &mut LookupName) -> Option<Name> {
    (0..TRIES_MAX).find_map(|_| {
        let mut label = name.labels().next().unwrap_or_default().to_vec();
        label.truncate(LABEL_OCTETS_MAX - 3);
        label.push(b'-');
        label.extend([(); 2].map(|()| b'a' + random.below(26) as u8));
        let parent = name.parent().filter(|parent| parent.is_at_or_below(zone.apex())).unwrap_or(zone.apex());
        let candidate = Name::from_labels([label.as_slice()], parent).ok()?;
        lookup.set(zone.key(), candidate.as_ref());
        matches!(zone.find(lookup), Find::NoName { .. }).then_some(candidate)
    })
}

/// Names that questions may be made of: of a zone with more names than are wanted, each with the same chance.
struct Pool<'a> {
    /// How many are kept.
    most: usize,
    /// How many were offered.
    offered: u64,
    /// Those that are kept, with the place of their zone.
    names: Vec<(u32, NameRef<'a>)>,
}

impl<'a> Pool<'a> {
    /// An empty one.
    fn new(most: usize) -> Pool<'a> {
        Pool { most, offered: 0, names: Vec::new() }
    }

    /// Keeps a name, or one less and less likely in place of another (reservoir sampling).
    fn offer(&mut self, name: (u32, NameRef<'a>), random: &mut Random) {
        self.offered += 1;
        if self.names.len() < self.most {
            self.names.push(name);
        } else if let Some(room) = self.names.get_mut(random.below(self.offered) as usize) {
            *room = name;
        }
    }

    /// Draws names, each as likely as any other, and makes questions of them.
    fn draw(&self, count: usize, seed: u64, mut ask: impl FnMut(u32, NameRef<'a>, &mut Drawn)) -> Drawn {
        let mut drawn = Drawn { names: self.offered, ..Drawn::default() };
        let length = u32::try_from(self.names.len()).unwrap_or(u32::MAX);
        for at in queries::uniform(seed, length, if length == 0 { 0 } else { count }) {
            let (zone, name) = self.names[at as usize];
            ask(zone, name, &mut drawn);
        }
        drawn
    }
}

/// Questions of one kind in the order they are asked in: names in wire form, one behind the other.
#[derive(Default)]
pub(super) struct Drawn {
    /// How many names of the zones they were drawn from, or made of.
    pub(super) names: u64,
    /// The names.
    octets: Vec<u8>,
    /// The place of each one's zone.
    zones: Vec<u32>,
}

impl Drawn {
    /// Adds a question.
    fn add(&mut self, zone: u32, name: NameRef<'_>) {
        self.octets.extend_from_slice(name.as_wire());
        self.zones.push(zone);
    }

    /// Whether there is nothing to ask.
    pub(super) fn is_empty(&self) -> bool {
        self.zones.is_empty()
    }

    /// The questions, ready to be looked up: as many as were drawn, and at least as many as subjects prepare at once.
    pub(super) fn keys<'k>(&'k self, zones: &'k [Zone<'k>]) -> Vec<Key<'k>> {
        let mut rest = self.octets.as_slice();
        let mut keys: Vec<Key<'k>> = Vec::with_capacity(self.zones.len().max(KEYS_MIN));
        for zone in &self.zones {
            let Ok((name, length)) = NameRef::parse_prefix(rest) else { break };
            rest = &rest[length..];
            keys.push(Key { name, zone: &zones[*zone as usize] });
        }
        while !keys.is_empty() && keys.len() < KEYS_MIN {
            keys.extend_from_within(..keys.len().min(KEYS_MIN - keys.len()));
        }
        keys
    }
}

/// A name and the zone it is looked up in.
#[derive(Clone, Copy)]
pub(super) struct Key<'k> {
    /// The name as it is in a query.
    pub(super) name: NameRef<'k>,
    /// The zone: a server has found it in its directory before.
    pub(super) zone: &'k Zone<'k>,
}
