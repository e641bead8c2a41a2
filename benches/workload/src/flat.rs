//! A zone of hosts right below the apex.

use dns::types::Rtype;
use zone_segment::{Name, ZoneId};

use crate::apex::{HOST_TTL, fixed_name, name, start_zone};
use crate::labels::Labels;
use crate::queries::Askable;
use crate::random::Random;
use crate::rdata;
use crate::sink::Sink;

/// See [`Kind::Flat`](crate::Kind::Flat).
#[derive(Debug)]
pub(crate) struct Flat {
    /// The apex.
    apex: Name,
    /// What records are drawn from.
    seed: u64,
    /// The hosts.
    labels: Labels,
}

impl Flat {
    /// Draws the names.
    pub(crate) fn new(names: usize, seed: u64) -> Flat {
        Flat { apex: fixed_name("flat.test."), seed, labels: Labels::draw(names, &mut Random::new(seed)) }
    }

    /// Hands over all RRsets.
    pub(crate) fn stream<S: Sink>(&self, serial: u32, sink: &mut S) -> Result<(), S::Error> {
        start_zone(sink, ZoneId(1), self.apex.as_ref(), serial)?;
        let mut wire = Vec::with_capacity(64);
        self.labels.iter().try_for_each(|label| {
            let mut random = Random::of(self.seed, label.words());
            wire.clear();
            label.push_wire(&mut wire);
            wire.extend(self.apex.as_wire());
            stream_host(name(&wire), &mut random, sink)
        })
    }
}

/// Hands over what a host owns.
fn stream_host<S: Sink>(owner: zone_segment::NameRef<'_>, random: &mut Random, sink: &mut S) -> Result<(), S::Error> {
    sink.rrset(owner, Rtype::A, HOST_TTL, &[&rdata::a(random)])?;
    if random.percent(50) {
        sink.rrset(owner, Rtype::AAAA, HOST_TTL, &[&rdata::aaaa(random)])?;
    }
    if random.percent(25) {
        sink.rrset(owner, Rtype::TXT, HOST_TTL, &[&rdata::txt(random)])?;
    }
    Ok(())
}

impl Askable for Flat {
    fn query_count(&self) -> usize {
        self.labels.len()
    }

    fn push_hit(&self, pick: usize, out: &mut Vec<u8>) {
        self.labels.get(pick).push_wire(out);
        out.extend(self.apex.as_wire());
    }

    fn push_missing(&self, _: usize, random: &mut Random, out: &mut Vec<u8>) {
        self.labels.draw_missing(random).push_wire(out);
        out.extend(self.apex.as_wire());
    }
}
