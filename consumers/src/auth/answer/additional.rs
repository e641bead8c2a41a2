//! The additional section: addresses of names that records speak of. A referral needs the glue of those below the cut (RFC 9471); all else goes
//! in where it fits.

use dns::message::{Builder, Section};
use dns::types::Rtype;
use zone_segment::{Find, LookupName, NameRef, Node, Rrset, SegmentOctets, Target, Zone};

use super::Style;
use super::put::put_rrset;
use super::written::Written;

/// Adds the addresses of a referral's name servers, those in the cut's own domain first: where they don't fit, TC is set (RFC 9471,
/// section 3.1), for without them the zone can't be reached.
pub(super) fn put_glue<'z, B: SegmentOctets>(
    builder: &mut Builder<'_>,
    zone: &Zone<'z, B>,
    cut: Node<'z>,
    servers: Rrset<'z>,
    style: Style,
    room: &mut LookupName,
) {
    builder.begin(Section::Additional);
    let apex = cut.name();
    let targets = || servers.targets().filter(|target| zone.may_have(*target));
    let mut has_others = false;
    for target in targets() {
        if !target.name.is_at_or_below(apex) {
            has_others = true;
        } else if !put_addresses(builder, zone, cut, target, style, room) {
            builder.set_truncated();
        }
    }
    if builder.is_truncated() || !has_others {
        return;
    }
    for target in targets().filter(|target| !target.name.is_at_or_below(apex)) {
        put_addresses(builder, zone, cut, target, style, room);
    }
}

/// Adds the addresses that the zone has of its own name servers, where they fit.
pub(super) fn put_apex_addresses<'z, B: SegmentOctets>(
    builder: &mut Builder<'_>,
    zone: &Zone<'z, B>,
    apex: Node<'z>,
    servers: Rrset<'z>,
    style: Style,
    room: &mut LookupName,
) {
    builder.begin(Section::Additional);
    for target in servers.targets() {
        put_addresses(builder, zone, apex, target, style, room);
    }
}

/// Adds the address RRsets of a name server that `owner`'s NS RRset speaks of, as far as the zone has them and they fit; says whether all
/// did.
fn put_addresses<'z, B: SegmentOctets>(
    builder: &mut Builder<'_>,
    zone: &Zone<'z, B>,
    owner: Node<'z>,
    target: Target<'z>,
    style: Style,
    room: &mut LookupName,
) -> bool {
    // In a stack of layers a name that is not the zone's would be searched for in each.
    if !target.name.is_at_or_below(zone.apex()) {
        return true;
    }
    let Some(node) = zone.target_node(owner, target, room) else { return true };
    put_addresses_of(builder, target.name, node, style)
}

/// Adds the address RRsets of a node, as far as they fit; says whether all did.
fn put_addresses_of(builder: &mut Builder<'_>, name: NameRef<'_>, node: Node<'_>, style: Style) -> bool {
    let mut fits = true;
    for rtype in [Rtype::A, Rtype::AAAA] {
        if let Some(rrset) = node.rrset(rtype.0) {
            fits &= put_rrset(builder, name, rrset, rrset.ttl(), style).is_ok();
        }
    }
    fits
}

/// What goes beside data where it fits: what the zone has of the names that records speak of, each once.
pub(super) struct Beside<'n> {
    /// The name that was asked for.
    owner: NameRef<'n>,
    /// The type that was.
    rtype: Rtype,
    /// How it is written.
    style: Style,
    /// Names whose addresses are written.
    written: Written<TARGETS_MAX>,
}

impl<'n> Beside<'n> {
    /// Nothing yet, beside data of this name and type.
    pub(super) fn new(owner: NameRef<'n>, rtype: Rtype, style: Style) -> Self {
        Self { owner, rtype, style, written: Written::new() }
    }

    /// Adds what the zone has, with authority, of the names that an RRset's records speak of: addresses; of an SVCB or HTTPS record in alias
    /// mode also the records of its type (RFC 9460, section 4.1), and what these speak of.
    pub(super) fn put_targets<B: SegmentOctets>(
        &mut self,
        builder: &mut Builder<'_>,
        zone: &Zone<'_, B>,
        rrset: Rrset<'_>,
        room: &mut LookupName,
    ) {
        builder.begin(Section::Additional);
        let rtype = Rtype(rrset.rtype());
        let is_svcb = matches!(rtype, Rtype::SVCB | Rtype::HTTPS);
        for rdata in rrset.rdata().take(TARGETS_MAX) {
            let Some(name) = target_of(rtype, rdata) else { continue };
            let is_alias = is_svcb && rdata.starts_with(&ALIAS_MODE);
            // In service mode the root stands for the owner (RFC 9460, section 2.5.2); an alias to it says that there is no service.
            let name = if is_svcb && name == NameRef::ROOT && !is_alias { self.owner } else { name };
            let Some(node) = self.put(builder, zone, name, room) else { continue };
            let Some(service) = node.rrset(rtype.0).filter(|_| is_alias) else { continue };
            if put_rrset(builder, name, service, service.ttl(), self.style).is_err() {
                continue;
            }
            for rdata in service.rdata().take(TARGETS_MAX) {
                // An alias that leads to another alias, or to itself, is for the asker to follow.
                if let Some(further) = target_of(rtype, rdata).filter(|further| *further != NameRef::ROOT) {
                    self.put(builder, zone, further, room);
                }
            }
        }
    }

    /// Adds the addresses of a name that exists in the zone with authority, and gives its node; nothing where they are there already.
    fn put<'z, B: SegmentOctets>(
        &mut self,
        builder: &mut Builder<'_>,
        zone: &Zone<'z, B>,
        name: NameRef<'_>,
        room: &mut LookupName,
    ) -> Option<Node<'z>> {
        let node = authoritative(zone, name, room)?;
        if !self.written.note(builder, name) {
            return None;
        }
        let is_own = name == self.owner;
        for rtype in [Rtype::A, Rtype::AAAA] {
            // What was asked for is the answer.
            if let Some(rrset) = node.rrset(rtype.0).filter(|_| !is_own || rtype != self.rtype) {
                let _ = put_rrset(builder, name, rrset, rrset.ttl(), self.style);
            }
        }
        Some(node)
    }
}

/// The name that a record of this type speaks of, if its type has one whose addresses the asker will need.
fn target_of(rtype: Rtype, rdata: &[u8]) -> Option<NameRef<'_>> {
    let start = match rtype {
        Rtype::NS => 0,
        Rtype::MX => 2,
        Rtype::SRV => 6,
        Rtype::SVCB | Rtype::HTTPS => 2,
        _ => return None,
    };
    let (name, _) = NameRef::parse_prefix(rdata.get(start..)?).ok()?;
    Some(name)
}

/// The node of a name that exists in the zone with authority.
fn authoritative<'z, B: SegmentOctets>(
    zone: &Zone<'z, B>,
    name: NameRef<'_>,
    room: &mut LookupName,
) -> Option<Node<'z>> {
    if !name.is_at_or_below(zone.apex()) {
        return None;
    }
    room.set(zone.key(), name);
    match zone.find(room) {
        Find::Name(node) => Some(node),
        _ => None,
    }
}

/// SvcPriority 0: alias mode (RFC 9460, section 2.4.1).
const ALIAS_MODE: [u8; 2] = [0, 0];

/// Records of one RRset whose targets are looked up: more would not fit into a datagram.
const TARGETS_MAX: usize = 32;
