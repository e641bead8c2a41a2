//! Many zones of ten records each, as a hosting provider has them.

use dns::types::Rtype;
use zone_segment::ZoneId;

use crate::apex::{HOST_TTL, name, start_zone};
use crate::labels::{Label, Labels};
use crate::queries::Askable;
use crate::random::Random;
use crate::rdata;
use crate::sink::Sink;

/// See [`Kind::Hosting`](crate::Kind::Hosting).
#[derive(Debug)]
pub(crate) struct Hosting {
    /// What records are drawn from.
    seed: u64,
    /// The leftmost labels of the apexes.
    labels: Labels,
}

impl Hosting {
    /// Draws the apexes.
    pub(crate) fn new(names: usize, seed: u64) -> Hosting {
        Hosting { seed, labels: Labels::draw(names, &mut Random::new(seed)) }
    }

    /// Hands over all zones.
    pub(crate) fn stream<S: Sink>(&self, serial: u32, sink: &mut S) -> Result<(), S::Error> {
        (1..).zip(self.labels.iter()).try_for_each(|(id, label)| self.stream_zone(ZoneId(id), label, serial, sink))
    }

    /// Hands over a zone.
    fn stream_zone<S: Sink>(&self, id: ZoneId, label: &Label, serial: u32, sink: &mut S) -> Result<(), S::Error> {
        let mut random = Random::of(self.seed, label.words());
        let mut wire = Vec::with_capacity(64);
        push_apex(label, &mut wire);
        let apex = name(&wire);
        let below = |first: &[u8]| [first, &wire].concat();
        let (mail, www) = (below(b"\x04mail"), below(WWW));
        start_zone(sink, id, apex, serial)?;
        let (address, address_6) = (rdata::a(&mut random), rdata::aaaa(&mut random));
        sink.rrset(apex, Rtype::A, HOST_TTL, &[&address])?;
        sink.rrset(apex, Rtype::AAAA, HOST_TTL, &[&address_6])?;
        let exchanges = [rdata::mx(10, &mail), rdata::mx(20, b"\x03mx2\x07hosting\x03net\0")];
        sink.rrset(apex, Rtype::MX, HOST_TTL, &[&exchanges[0], &exchanges[1]])?;
        sink.rrset(apex, Rtype::TXT, HOST_TTL, &[&rdata::txt(&mut random)])?;
        sink.rrset(name(&mail), Rtype::A, HOST_TTL, &[&rdata::a(&mut random)])?;
        sink.rrset(name(&www), Rtype::A, HOST_TTL, &[&address])
    }
}

impl Askable for Hosting {
    fn query_count(&self) -> usize {
        self.labels.len()
    }

    fn push_hit(&self, pick: usize, out: &mut Vec<u8>) {
        out.extend(WWW);
        push_apex(self.labels.get(pick), out);
    }

    fn push_missing(&self, pick: usize, random: &mut Random, out: &mut Vec<u8>) {
        // Drawn labels are longer than `www`, and none is `mail`: they have no fixed letters.
        out.extend(b"\x02no");
        Label::draw(random).push_wire(out);
        push_apex(self.labels.get(pick), out);
    }
}

/// Appends an apex.
fn push_apex(label: &Label, out: &mut Vec<u8>) {
    label.push_wire(out);
    out.extend(b"\x04test\0");
}

/// The label of the host that is asked for.
const WWW: &[u8] = b"\x03www";
