//! Many small zones of two owners each, as a hosting provider has them.

use dns::types::Rtype;
use zone_segment::ZoneId;

use crate::apex::{HOST_TTL, name, start_zone};
use crate::labels::{Label, Labels};
use crate::queries::Askable;
use crate::random::Random;
use crate::rdata;
use crate::sink::Sink;

/// See [`Kind::Many`](crate::Kind::Many).
#[derive(Debug)]
pub(crate) struct Many {
    /// What records are drawn from.
    seed: u64,
    /// The leftmost labels of the apexes.
    labels: Labels,
}

impl Many {
    /// Draws the apexes.
    pub(crate) fn new(names: usize, seed: u64) -> Many {
        Many { seed, labels: Labels::draw(names.div_ceil(OWNERS), &mut Random::new(seed)) }
    }

    /// Hands over all zones.
    pub(crate) fn stream<S: Sink>(&self, serial: u32, sink: &mut S) -> Result<(), S::Error> {
        (1..).zip(self.labels.iter()).try_for_each(|(id, label)| self.stream_zone(ZoneId(id), label, serial, sink))
    }

    /// Hands over a zone.
    fn stream_zone<S: Sink>(&self, id: ZoneId, label: &Label, serial: u32, sink: &mut S) -> Result<(), S::Error> {
        let mut random = Random::of(self.seed, label.words());
        let mut wire = WWW.to_vec();
        push_apex(label, &mut wire);
        let (www, apex) = (name(&wire), name(&wire[WWW.len()..]));
        start_zone(sink, id, apex, serial)?;
        let address = rdata::a(&mut random);
        sink.rrset(apex, Rtype::A, HOST_TTL, &[&address])?;
        let exchange: [&[u8]; 2] = [b"\x03mx1\x07hosting\x03net\0", b"\x03mx2\x07hosting\x03net\0"];
        sink.rrset(apex, Rtype::MX, HOST_TTL, &[&rdata::mx(10, random.one_of(&exchange))])?;
        sink.rrset(www, Rtype::A, HOST_TTL, &[&address])
    }
}

impl Askable for Many {
    fn query_count(&self) -> usize {
        self.labels.len() * OWNERS
    }

    fn push_hit(&self, pick: usize, out: &mut Vec<u8>) {
        if pick % OWNERS == 1 {
            out.extend(WWW);
        }
        push_apex(self.labels.get(pick / OWNERS), out);
    }

    fn push_missing(&self, pick: usize, random: &mut Random, out: &mut Vec<u8>) {
        // Drawn labels are longer than `www`.
        Label::draw(random).push_wire(out);
        push_apex(self.labels.get(pick / OWNERS), out);
    }
}

/// Appends an apex.
fn push_apex(label: &Label, out: &mut Vec<u8>) {
    label.push_wire(out);
    out.extend(b"\x04test\0");
}

/// Owners of a zone.
const OWNERS: usize = 2;

/// The label of the owner that is not the apex.
const WWW: &[u8] = b"\x03www";
