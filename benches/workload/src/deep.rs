//! A zone of long names: branches of empty non-terminals with four owners each.
//!
//! A branch is a chain of up to seven names below the one drawn for it. Two hosts are below its lowest, one below any of it, and the
//! fourth, in each fourth branch a wildcard, below a name of its own: so a missing name has any of them as its closest encloser.

use dns::types::Rtype;
use zone_segment::{Name, ZoneId};

use crate::apex::{HOST_TTL, fixed_name, name, start_zone};
use crate::labels::{Label, Labels};
use crate::queries::Askable;
use crate::random::Random;
use crate::rdata;
use crate::sink::Sink;

/// See [`Kind::Deep`](crate::Kind::Deep).
#[derive(Debug)]
pub(crate) struct Deep {
    /// The apex.
    apex: Name,
    /// What branches are drawn from.
    seed: u64,
    /// How many owners below the apex.
    names: usize,
    /// The branches, right below the apex.
    labels: Labels,
}

/// A branch, drawn from its label each time it is needed.
struct Branch {
    /// Its chain, the highest name first; all of them in wire form, absolute.
    chain: Vec<Vec<u8>>,
    /// Its owners in wire form, in canonical order.
    owners: Vec<Vec<u8>>,
    /// What records are drawn from.
    random: Random,
}

impl Deep {
    /// Draws the branches.
    pub(crate) fn new(names: usize, seed: u64) -> Deep {
        let labels = Labels::draw(names.div_ceil(OWNERS), &mut Random::new(seed));
        Deep { apex: fixed_name("deep.test."), seed, names, labels }
    }

    /// Hands over all RRsets.
    pub(crate) fn stream<S: Sink>(&self, serial: u32, sink: &mut S) -> Result<(), S::Error> {
        start_zone(sink, ZoneId(1), self.apex.as_ref(), serial)?;
        (0..self.labels.len()).try_for_each(|index| {
            let Branch { owners, mut random, .. } = self.branch(index);
            owners.iter().take(self.names - index * OWNERS).try_for_each(|owner| {
                sink.rrset(name(owner), Rtype::A, HOST_TTL, &[&rdata::a(&mut random)])?;
                match random.percent(25) {
                    true => sink.rrset(name(owner), Rtype::TXT, HOST_TTL, &[&rdata::txt(&mut random)]),
                    false => Ok(()),
                }
            })
        })
    }

    /// Draws a branch.
    fn branch(&self, index: usize) -> Branch {
        let label = self.labels.get(index);
        let mut random = Random::of(self.seed, label.words());
        let mut top = Vec::with_capacity(24);
        label.push_wire(&mut top);
        top.extend(self.apex.as_wire());
        let mut chain = vec![top];
        for _ in 0..1 + random.below(CHAIN_MAX) {
            chain.push(below(random.one_of(&PLACES), &chain[chain.len() - 1]));
        }
        let lowest = &chain[chain.len() - 1];
        let middle = &chain[1 + random.below(chain.len() - 1)];
        let fourth = match random.percent(25) {
            true => below(b"\x01*", &below(b"\x04user", lowest)),
            false => below(b"\x05admin", &below(b"\x04user", lowest)),
        };
        let mut owners =
            vec![below(b"\x04node", lowest), below(b"\x05proxy", lowest), below(b"\x07monitor", middle), fourth];
        owners.sort_unstable_by(|a, b| name(a).cmp(&name(b)));
        Branch { chain, owners, random }
    }
}

impl Askable for Deep {
    fn query_count(&self) -> usize {
        self.names
    }

    fn push_hit(&self, pick: usize, out: &mut Vec<u8>) {
        out.extend(&self.branch(pick / OWNERS).owners[pick % OWNERS]);
    }

    fn push_missing(&self, pick: usize, random: &mut Random, out: &mut Vec<u8>) {
        // Drawn letters are no word that is used here; the lowest name of a last branch may be missing itself.
        let branch = pick / OWNERS;
        let chain = if branch + 1 == self.labels.len() { Vec::new() } else { self.branch(branch).chain };
        for _ in 0..1 + random.below(3) {
            missing_label(random, out);
        }
        match chain.is_empty() {
            true => out.extend(self.apex.as_wire()),
            false => out.extend(&chain[random.below(chain.len())]),
        }
    }
}

/// Appends a label that no name here has: a drawn one has neither of its first two octets.
fn missing_label(random: &mut Random, out: &mut Vec<u8>) {
    let at = out.len();
    Label::draw(random).push_wire(out);
    out[at + 1..at + 3].copy_from_slice(b"0-");
}

/// A label in front of a name.
fn below(label: &[u8], parent: &[u8]) -> Vec<u8> {
    [label, parent].concat()
}

/// Owners of a branch.
const OWNERS: usize = 4;

/// The most names of a chain below its highest: with the two labels of the apex, that of the branch and two of the wildcard, 12.
const CHAIN_MAX: usize = 7;

/// Labels of empty non-terminals.
const PLACES: [&[u8]; 8] =
    [b"\x04rack", b"\x03row", b"\x04hall", b"\x05floor", b"\x08building", b"\x06campus", b"\x04city", b"\x06region"];
