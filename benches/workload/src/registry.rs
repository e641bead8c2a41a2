//! A large registry's zone: more name servers to a delegation, more glue and more DS records than the plain kind has.

use dns::types::Rtype;

use crate::apex::{DS_TTL, NS_TTL, fixed_name, name, start_zone};
use crate::labels::Label;
use crate::queries::Askable;
use crate::random::Random;
use crate::rdata;
use crate::sink::Sink;
use crate::tld::{Pair, Tld, server};
use zone_segment::ZoneId;

/// See [`Kind::Registry`](crate::Kind::Registry).
#[derive(Debug)]
pub(crate) struct Registry {
    /// The delegated names and the registrars' pairs.
    delegations: Tld,
}

impl Registry {
    /// Draws names and registrars.
    pub(crate) fn new(names: usize, seed: u64) -> Registry {
        Registry { delegations: Tld::new(names, seed) }
    }

    /// Hands over all RRsets.
    pub(crate) fn stream<S: Sink>(&self, serial: u32, sink: &mut S) -> Result<(), S::Error> {
        start_zone(sink, ZoneId(1), fixed_name(APEX).as_ref(), serial)?;
        self.delegations.with_registrars(|label, registrar| self.stream_delegation(label, registrar, sink))
    }

    /// Hands over a delegation; `registrar` are the servers of the registrar it is.
    fn stream_delegation<S: Sink>(
        &self,
        label: &Label,
        registrar: Option<&Pair>,
        sink: &mut S,
    ) -> Result<(), S::Error> {
        let mut random = Random::of(self.delegations.seed(), label.words());
        let mut wire = Vec::with_capacity(64);
        self.delegations.push_delegation(label, &mut wire);
        let owner = name(&wire);
        let (pair, other) = self.delegations.pairs(&mut random);
        let own = [1, 2].map(|number| server(number, label, &wire[wire.len() - APEX_OCTETS..]));
        let has_own_servers = random.percent(15);
        let (first, glued) = match (registrar, has_own_servers) {
            (Some(registrar), _) => (registrar.servers(), 2),
            (None, true) => (&own, 2),
            (None, false) => (pair.servers(), 0),
        };
        // Two servers most often, and those of another registrar where there are more.
        let others = match random.below(100) {
            0..65 => 0,
            65..90 => 1,
            _ => 2,
        };
        // A registrar may be the other one too.
        let others = other.servers()[..others].iter().filter(|server| !first.contains(server));
        let servers: Vec<&[u8]> = first.iter().chain(others).map(Vec::as_slice).collect();
        sink.rrset(owner, Rtype::NS, NS_TTL, &servers)?;
        if random.percent(37) {
            let digests = [rdata::ds(&mut random), rdata::ds(&mut random)];
            let count = if random.percent(10) { 2 } else { 1 };
            let digests: Vec<&[u8]> = digests[..count].iter().map(<[u8; 36]>::as_slice).collect();
            sink.rrset(owner, Rtype::DS, DS_TTL, &digests)?;
        }
        first.iter().take(glued).try_for_each(|server| {
            sink.rrset(name(server), Rtype::A, NS_TTL, &[&rdata::a(&mut random)])?;
            match random.percent(50) {
                true => sink.rrset(name(server), Rtype::AAAA, NS_TTL, &[&rdata::aaaa(&mut random)]),
                false => Ok(()),
            }
        })
    }
}

impl Askable for Registry {
    fn query_count(&self) -> usize {
        self.delegations.query_count()
    }

    fn push_hit(&self, pick: usize, out: &mut Vec<u8>) {
        self.delegations.push_hit(pick, out);
    }

    fn push_missing(&self, pick: usize, random: &mut Random, out: &mut Vec<u8>) {
        self.delegations.push_missing(pick, random, out);
    }

    fn push_below_cut(&self, pick: usize, out: &mut Vec<u8>) {
        self.delegations.push_below_cut(pick, out);
    }
}

/// The apex.
const APEX: &str = "test.";

/// Octets of its wire form.
const APEX_OCTETS: usize = 6;
