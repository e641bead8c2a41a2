//! A zone as a plain ordered map: what it owns, and its answers by the rules in the RFCs' words, without any of the
//! segment's structures. `compare` asks a segment the same and wants the same answers.
//!
//! Shared by the test binaries `battery` and `hostile`, and by the fuzz target. Read [`ModelZone`] first.

use std::collections::{BTreeMap, BTreeSet};

use zone_segment::{Name, SegmentWriter, ZoneId};

pub(crate) mod compare;

/// The type NS.
pub(crate) const NS: u16 = 2;
/// The type SOA.
pub(crate) const SOA: u16 = 6;
/// The type DNAME.
pub(crate) const DNAME: u16 = 39;
/// The type RRSIG.
pub(crate) const RRSIG: u16 = 46;
/// The type NSEC.
pub(crate) const NSEC: u16 = 47;
/// The type NSEC3.
pub(crate) const NSEC3: u16 = 50;
/// The type NSEC3PARAM.
pub(crate) const NSEC3PARAM: u16 = 51;

/// A name as its folded labels from the right: lists of octets compare in canonical order.
type Key = Vec<Vec<u8>>;

/// What a zone says about a name, by names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// It exists.
    Name(Name),
    /// At or below a zone cut.
    Cut(Name),
    /// Below the owner of a DNAME.
    Dname(Name),
    /// Source of synthesis and closest encloser.
    Wildcard(Name, Name),
    /// Closest encloser.
    NoName(Name),
}

/// What one name owns of one type.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ModelRrset {
    /// The TTL of the records.
    pub(crate) ttl: u32,
    /// The records.
    pub(crate) records: BTreeSet<Vec<u8>>,
    /// The TTL of the signatures.
    pub(crate) signature_ttl: u32,
    /// The signatures that cover this type.
    pub(crate) signatures: BTreeSet<Vec<u8>>,
}

/// A name, and what it owns.
#[derive(Clone, Debug)]
pub(crate) struct ModelNode {
    /// The name, in the case it was given with.
    pub(crate) name: Name,
    /// What it owns, by type; nothing if it is an empty non-terminal.
    pub(crate) rrsets: BTreeMap<u16, ModelRrset>,
}

/// A zone as a map from names to what they own.
#[derive(Clone, Debug)]
pub(crate) struct ModelZone {
    /// The apex.
    pub(crate) apex: Name,
    /// Its key.
    apex_key: Key,
    /// All names, empty non-terminals included.
    names: BTreeMap<Key, ModelNode>,
}

/// The key of a name.
fn key(name: &Name) -> Key {
    let mut labels: Key = name.as_ref().labels().map(|label| label.to_ascii_lowercase()).collect();
    labels.reverse();
    labels
}

/// The name of a key.
fn name(key: &[Vec<u8>]) -> Name {
    Name::from_labels(key.iter().rev().map(Vec::as_slice), Name::root().as_ref()).expect("a name")
}

impl ModelZone {
    /// A zone that owns nothing.
    pub(crate) fn new(apex: &Name) -> ModelZone {
        let apex_key = key(apex);
        let node = ModelNode { name: apex.clone(), rrsets: BTreeMap::new() };
        ModelZone { apex: apex.clone(), names: BTreeMap::from([(apex_key.clone(), node)]), apex_key }
    }

    /// Adds records of an owner and type, and the empty non-terminals above it.
    pub(crate) fn records(&mut self, owner: &Name, rtype: u16, ttl: u32, rdata: &[&[u8]]) {
        let rrset = self.rrset(owner, rtype);
        rrset.ttl = ttl;
        rrset.records.extend(rdata.iter().map(|rdata| rdata.to_vec()));
    }

    /// Adds a signature that covers a type of an owner, whether or not it owns records of that type.
    pub(crate) fn signature(&mut self, owner: &Name, covered: u16, ttl: u32, end: &[u8]) {
        let rrset = self.rrset(owner, covered);
        rrset.signature_ttl = ttl;
        rrset.signatures.insert([&covered.to_be_bytes()[..], end].concat());
    }

    /// What an owner has of a type, made if it is not there.
    fn rrset(&mut self, owner: &Name, rtype: u16) -> &mut ModelRrset {
        assert!(owner.is_at_or_below(self.apex.as_ref()), "{owner} is in {}", self.apex);
        let owner_key = key(owner);
        for labels in self.apex_key.len()..=owner_key.len() {
            let above = owner_key[..labels].to_vec();
            let node = || ModelNode { name: name(&above), rrsets: BTreeMap::new() };
            self.names.entry(above.clone()).or_insert_with(node);
        }
        let node = self.names.get_mut(&owner_key).expect("made above");
        if node.rrsets.is_empty() {
            node.name = owner.clone();
        }
        node.rrsets.entry(rtype).or_default()
    }

    /// Writes it as the zone `id`. Records come from the last to the first: their order must not matter.
    pub(crate) fn write(&self, writer: &mut SegmentWriter, id: ZoneId) {
        writer.start_zone(id, self.apex.as_ref()).expect("a zone");
        for node in self.names.values() {
            for (&rtype, rrset) in &node.rrsets {
                let owner = node.name.as_ref();
                let records: Vec<&[u8]> = rrset.records.iter().rev().map(Vec::as_slice).collect();
                let signatures: Vec<&[u8]> = rrset.signatures.iter().rev().map(Vec::as_slice).collect();
                if !records.is_empty() {
                    writer.rrset(owner, rtype, rrset.ttl, &records).expect("an RRset");
                }
                if !signatures.is_empty() {
                    writer.rrset(owner, RRSIG, rrset.signature_ttl, &signatures).expect("signatures");
                }
            }
        }
    }

    /// All nodes in canonical order.
    pub(crate) fn nodes(&self) -> impl Iterator<Item = &ModelNode> {
        self.names.values()
    }

    /// The node of a name, occluded or not.
    pub(crate) fn node(&self, name: &Name) -> Option<&ModelNode> {
        self.names.get(&key(name))
    }

    /// Whether a name owns records of a type.
    fn owns(&self, key: &[Vec<u8>], rtype: u16) -> bool {
        self.names.get(key).is_some_and(|node| node.owns(rtype))
    }

    /// The zone cut at or above, or the DNAME owner above; walked down from the apex, the first one counts.
    fn hidden_by(&self, key: &[Vec<u8>]) -> Option<Answer> {
        (self.apex_key.len()..=key.len()).find_map(|labels| {
            let above = &key[..labels];
            if labels > self.apex_key.len() && self.owns(above, NS) {
                return Some(Answer::Cut(name(above)));
            }
            (labels < key.len() && self.owns(above, DNAME)).then(|| Answer::Dname(name(above)))
        })
    }

    /// Whether a name is below a zone cut or a DNAME owner.
    pub(crate) fn is_occluded(&self, name: &Name) -> bool {
        let key = key(name);
        match self.hidden_by(&key) {
            Some(Answer::Cut(cut)) => cut != *name,
            hidden => hidden.is_some(),
        }
    }

    /// RFC 1034, section 4.3.2, step 3, with RFC 4592 and RFC 6672.
    pub(crate) fn find(&self, asked: &Name) -> Answer {
        let asked_key = key(asked);
        if let Some(hidden) = self.hidden_by(&asked_key) {
            return hidden;
        }
        if self.names.contains_key(&asked_key) {
            return Answer::Name(asked.clone());
        }
        let mut encloser = asked_key;
        while !self.names.contains_key(&encloser) {
            encloser.pop();
        }
        let closest_encloser = name(&encloser);
        encloser.push(b"*".to_vec());
        match self.names.contains_key(&encloser) {
            true => Answer::Wildcard(name(&encloser), closest_encloser),
            false => Answer::NoName(closest_encloser),
        }
    }

    /// The last owner of NSEC at or before a name, of those with authority.
    pub(crate) fn predecessor(&self, asked: &Name) -> Option<Name> {
        let before = self.names.range(..=key(asked)).rev();
        before.filter(|(_, node)| node.owns(NSEC)).map(|(key, _)| name(key)).find(|name| !self.is_occluded(name))
    }

    /// The owner of the NSEC3 record that has a hash (true) or covers it (false): of those with the parameters of the first
    /// NSEC3PARAM record without flags, the nearest at or before the hash, or the last of all.
    pub(crate) fn nsec3(&self, hash: &[u8; 20]) -> Option<(bool, Name)> {
        let apex = &self.names[&self.apex_key];
        let parameters = apex.rrsets.get(&NSEC3PARAM)?.records.iter().find(|rdata| rdata[1] == 0)?;
        let is_alike = |rdata: &Vec<u8>| {
            rdata[0] == parameters[0] && rdata[2..].starts_with(&parameters[2..5 + usize::from(parameters[4])])
        };
        let owners = self.names.iter().filter(|(key, node)| {
            let of_chain = |rrset: &ModelRrset| rrset.records.iter().any(is_alike);
            key.len() == self.apex_key.len() + 1 && node.rrsets.get(&NSEC3).is_some_and(of_chain)
        });
        let mut chain: Vec<([u8; 20], &Name)> =
            owners.filter_map(|(_, node)| Some((hash_of(&node.name)?, &node.name))).collect();
        chain.sort();
        let before = chain.iter().rev().find(|(owner, _)| owner <= hash);
        let (owner, name) = before.or(chain.last())?;
        Some((owner == hash, (*name).clone()))
    }
}

/// The hash in an NSEC3 owner's first label, by base32hex (RFC 4648, section 7), bit by bit; none in other labels.
pub(crate) fn hash_of(owner: &Name) -> Option<[u8; 20]> {
    let label = owner.as_ref().labels().next()?;
    let values = label.iter().map(|letter| char::from(*letter).to_digit(32)).collect::<Option<Vec<u32>>>()?;
    let bits: Vec<bool> = values.iter().flat_map(|value| (0..5).rev().map(move |bit| value >> bit & 1 == 1)).collect();
    let octets = bits.chunks(8).map(|octet| octet.iter().fold(0, |value, bit| value << 1 | u8::from(*bit)));
    octets.collect::<Vec<u8>>().try_into().ok().filter(|_| label.len() == 32)
}

/// The NSEC3 owner's label of a hash.
pub(crate) fn label_of(hash: &[u8; 20]) -> String {
    let bits: Vec<bool> = hash.iter().flat_map(|octet| (0..8).rev().map(move |bit| octet >> bit & 1 == 1)).collect();
    let value = |letter: &[bool]| letter.iter().fold(0, |value, bit| value << 1 | u32::from(*bit));
    bits.chunks(5).filter_map(|letter| char::from_digit(value(letter), 32)).collect()
}

impl ModelNode {
    /// Whether it owns records of a type, not only signatures that cover it.
    pub(crate) fn owns(&self, rtype: u16) -> bool {
        self.rrsets.get(&rtype).is_some_and(|rrset| !rrset.records.is_empty())
    }
}

/// SOA RDATA with a serial.
pub(crate) fn soa(serial: u32) -> Vec<u8> {
    let mut rdata = vec![0, 0];
    for number in [serial, 1, 2, 3, 4] {
        rdata.extend_from_slice(&number.to_be_bytes());
    }
    rdata
}
