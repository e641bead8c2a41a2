//! What a zone says about a name and a type: [`Outcome`], in the words of RFC 1034, section 4.3.2, and RFC 9499.

use dns::types::Rtype;
use zone_segment::{Find, LookupName, Node, Rrset, SegmentOctets, Zone, ZoneSet};

use super::name_buffer::NameBuffer;

/// What a zone says about a name and a type.
#[derive(Clone, Copy, Debug)]
pub(super) enum Outcome<'z> {
    /// The name has data of the type, its own or a wildcard's.
    Found(Source<'z>),
    /// The name exists, or a wildcard covers it, without data of the type.
    NoData(Source<'z>),
    /// The name does not exist.
    NxDomain {
        /// The closest encloser.
        closest_encloser: Node<'z>,
    },
    /// The name is at or below a zone cut.
    Referral {
        /// The owner of the NS RRset.
        cut: Node<'z>,
    },
    /// The name is an alias.
    Alias {
        /// Where the alias is.
        source: Source<'z>,
        /// Its CNAME RRset.
        cname: Rrset<'z>,
    },
    /// The name is below the owner of a DNAME record.
    Redirection {
        /// The owner of the DNAME record.
        owner: Node<'z>,
        /// The DNAME RRset.
        dname: Rrset<'z>,
    },
}

/// Where an answer's data is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Source<'z> {
    /// The node that owns it.
    pub(super) node: Node<'z>,
    /// Whether the node is a wildcard from which the name is synthesised.
    pub(super) is_synthesis: bool,
}

/// Says what a zone says.
pub(super) fn resolve<'z, B: SegmentOctets>(zone: &Zone<'z, B>, name: &LookupName, rtype: Rtype) -> Outcome<'z> {
    match zone.find(name) {
        Find::Name(node) | Find::NoName { closest_encloser: node } if is_of_nsec3_chain(node) => {
            at_nsec3(zone, node, rtype)
        }
        Find::Name(node) => at_source(Source { node, is_synthesis: false }, rtype),
        Find::Wildcard { source, .. } => at_source(Source { node: source, is_synthesis: true }, rtype),
        // The parent's side of a cut has authority for DS alone (RFC 4035, section 3.1.4.1).
        Find::Cut(node) if rtype == Rtype::DS && node.name() == name.name() => {
            at_source(Source { node, is_synthesis: false }, rtype)
        }
        Find::Cut(cut) => Outcome::Referral { cut },
        Find::Dname(owner) => match owner.rrset(Rtype::DNAME.0) {
            Some(dname) => Outcome::Redirection { owner, dname },
            None => Outcome::NxDomain { closest_encloser: owner },
        },
        Find::NoName { closest_encloser } => Outcome::NxDomain { closest_encloser },
    }
}

/// What a zone says about the owner of an NSEC3 record, or a name below it. There is no such name (RFC 5155, section 7.2.8), so it is answered as
/// any other name that the apex is the closest encloser of.
fn at_nsec3<'z, B: SegmentOctets>(zone: &Zone<'z, B>, node: Node<'z>, rtype: Rtype) -> Outcome<'z> {
    let mut wildcard = NameBuffer::default();
    let source = wildcard.set_wildcard(zone.apex()).map(|()| zone.find(&LookupName::new(zone.key(), wildcard.name())));
    match source {
        Ok(Find::Name(node)) => at_source(Source { node, is_synthesis: true }, rtype),
        _ => Outcome::NxDomain { closest_encloser: zone.apex_node().unwrap_or(node) },
    }
}

/// Whether a node owns an NSEC3 RRset and nothing else: it is a place in the chain, no name of the zone.
fn is_of_nsec3_chain(node: Node<'_>) -> bool {
    node.rrsets().map(|rrset| rrset.rtype()).eq([Rtype::NSEC3.0])
}

/// What a node says about a type. DNSSEC's types, which stand beside CNAME (RFC 4035, section 2.5), speak of the alias itself: asking for
/// them does not follow it.
fn at_source(source: Source<'_>, rtype: Rtype) -> Outcome<'_> {
    let node = source.node;
    if has_data(node, rtype) {
        return Outcome::Found(source);
    }
    match node.rrset(Rtype::CNAME.0).filter(|_| !rtype.is_allowed_beside_cname()) {
        Some(cname) => Outcome::Alias { source, cname },
        None => Outcome::NoData(source),
    }
}

/// Whether a node has something to answer a type with.
fn has_data(node: Node<'_>, rtype: Rtype) -> bool {
    match rtype {
        Rtype::ANY => node.rrsets().any(|rrset| !rrset.is_empty()),
        Rtype::RRSIG => node.rrsets().any(|rrset| rrset.signature_count() > 0),
        _ => node.rrset(rtype.0).is_some(),
    }
}

/// The zone to answer a name and a type from: the closest one, but its parent for DS at an apex, if that is served here and
/// delegates the name (RFC 4035, section 3.1.4.1). The closest one may be known.
pub(super) fn select_zone<'z, B: SegmentOctets>(
    zones: &'z ZoneSet<B>,
    closest: Option<Zone<'z, B>>,
    name: &LookupName,
    rtype: Rtype,
) -> Option<Zone<'z, B>> {
    let closest = closest.or_else(|| zones.find_zone(name))?;
    if rtype != Rtype::DS || closest.apex() != name.name() {
        return Some(closest);
    }
    let Some(above) = zones.find_zone_above(name) else { return Some(closest) };
    // Delegated to others in between, a zone above is not the parent: the child says that there is no such data.
    let is_parent = !matches!(above.find(name), Find::Cut(cut) if cut.name() != name.name());
    Some(if is_parent { above } else { closest })
}

/// The most aliases followed in one answer; what comes behind is for the asker to ask.
pub(super) const ALIASES_MAX: usize = 16;
