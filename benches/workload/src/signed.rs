//! An NSEC chain over a zone as it streams by: each owner with authority, and each zone cut, gets an NSEC record that names the next
//! one, and RRSIG records over what the zone vouches for (RFC 4035, sections 2.2 and 2.3).
//!
//! The next name is not known before it comes, so one owner is held back, with the glue behind it.

use dns::types::Rtype;
use zone_segment::{Name, NameRef, ZoneId};

use crate::random::Random;
use crate::rdata;
use crate::sink::Sink;

/// Adds the chain to what goes into a sink.
pub(crate) struct Signed<'s, S> {
    /// Where it goes.
    sink: &'s mut S,
    /// The zone; none before the first.
    zone: Option<Zone>,
}

/// The zone that is signed.
struct Zone {
    /// Its apex.
    apex: Name,
    /// The owner that waits for the next.
    owner: Name,
    /// Its RRsets.
    rrsets: Vec<Held>,
    /// The glue behind it, with owners.
    glue: Vec<(Name, Held)>,
}

/// An RRset that is held back.
struct Held {
    /// The type.
    rtype: Rtype,
    /// The TTL.
    ttl: u32,
    /// The RDATA.
    rdata: Vec<Box<[u8]>>,
}

impl<'s, S: Sink> Signed<'s, S> {
    /// Signs what goes into `sink`.
    pub(crate) fn new(sink: &'s mut S) -> Signed<'s, S> {
        Signed { sink, zone: None }
    }

    /// Hands over the last owner, whose NSEC record leads back to the apex.
    pub(crate) fn complete_zone(&mut self) -> Result<(), S::Error> {
        match self.zone.take() {
            Some(zone) => zone.hand_over(zone.apex.as_ref(), self.sink),
            None => Ok(()),
        }
    }
}

impl<S: Sink> Sink for Signed<'_, S> {
    type Error = S::Error;

    fn start_zone(&mut self, id: ZoneId, apex: NameRef<'_>) -> Result<(), S::Error> {
        self.complete_zone()?;
        self.sink.start_zone(id, apex)?;
        let random = &mut Random::of(KEY_SEED, &[u64::from(id.0)]);
        let keys = [true, false].map(|is_entry_point| rdata::dnskey(is_entry_point, random));
        let keys = Held::of(Rtype::DNSKEY, KEY_TTL, &keys.each_ref().map(|key| key.as_slice()));
        self.zone = Some(Zone { apex: apex.to_name(), owner: apex.to_name(), rrsets: vec![keys], glue: Vec::new() });
        Ok(())
    }

    fn rrset(&mut self, owner: NameRef<'_>, rtype: Rtype, ttl: u32, rdata: &[&[u8]]) -> Result<(), S::Error> {
        let Some(zone) = &mut self.zone else { return Ok(()) };
        let held = Held::of(rtype, ttl, rdata);
        if zone.owner.as_ref() == owner {
            zone.rrsets.push(held);
        } else if zone.is_cut() && owner.is_at_or_below(zone.owner.as_ref()) {
            zone.glue.push((owner.to_name(), held));
        } else {
            zone.hand_over(owner, self.sink)?;
            zone.owner = owner.to_name();
            zone.rrsets.clear();
            zone.rrsets.push(held);
            zone.glue.clear();
        }
        Ok(())
    }
}

impl Zone {
    /// Whether the owner is a zone cut.
    fn is_cut(&self) -> bool {
        self.owner != self.apex && self.rrsets.iter().any(|held| held.rtype == Rtype::NS)
    }

    /// Hands over the owner and its glue; `next` is the next owner with authority.
    fn hand_over<S: Sink>(&self, next: NameRef<'_>, sink: &mut S) -> Result<(), S::Error> {
        let types = self.rrsets.iter().map(|held| held.rtype).chain([Rtype::RRSIG, Rtype::NSEC]);
        let nsec = rdata::nsec(next.as_wire(), types);
        let nsec = Held::of(Rtype::NSEC, rdata::NEGATIVE_TTL, &[&nsec]);
        let is_cut = self.is_cut();
        // The asterisk of a wildcard is not counted (RFC 4034, section 3.1.3). Up to 127 labels fit.
        let labels = (self.owner.label_count() - usize::from(self.owner.as_ref().is_wildcard())) as u8;
        let mut random = Random::of(SIGNATURE_SEED, &self.owner_words());
        for held in self.rrsets.iter().chain([&nsec]) {
            held.hand_over(self.owner.as_ref(), sink)?;
            if !is_cut || matches!(held.rtype, Rtype::DS | Rtype::NSEC) {
                let signature = rdata::rrsig(held.rtype, labels, held.ttl, self.apex.as_wire(), &mut random);
                sink.rrset(self.owner.as_ref(), Rtype::RRSIG, held.ttl, &[&signature])?;
            }
        }
        self.glue.iter().try_for_each(|(owner, held)| held.hand_over(owner.as_ref(), sink))
    }

    /// The owner's octets as words.
    fn owner_words(&self) -> Vec<u64> {
        let word = |chunk: &[u8]| chunk.iter().fold(0, |word, octet| word << 8 | u64::from(*octet));
        self.owner.as_wire().chunks(8).map(word).collect()
    }
}

impl Held {
    /// A copy of an RRset.
    fn of(rtype: Rtype, ttl: u32, rdata: &[&[u8]]) -> Held {
        Held { rtype, ttl, rdata: rdata.iter().map(|rdata| Box::from(*rdata)).collect() }
    }

    /// Hands it over.
    fn hand_over<S: Sink>(&self, owner: NameRef<'_>, sink: &mut S) -> Result<(), S::Error> {
        let rdata: Vec<&[u8]> = self.rdata.iter().map(|rdata| &**rdata).collect();
        sink.rrset(owner, self.rtype, self.ttl, &rdata)
    }
}

/// The TTL of DNSKEY records.
const KEY_TTL: u32 = 86_400;

/// What keys are drawn from.
const KEY_SEED: u64 = 0x6b65_7973;

/// What signatures are drawn from.
const SIGNATURE_SEED: u64 = 0x7369_676e;
