//! The additional section: addresses of name servers. A referral needs the glue of those below the cut (RFC 9471); all else goes in
//! where it fits.

use dns::message::{Builder, Section};
use dns::types::Rtype;
use zone_segment::{LookupName, NameRef, Node, Rrset, SegmentOctets, Zone};

use super::put::put_rrset;

/// Adds the addresses of a referral's name servers, those in the cut's own domain first: where they don't fit, TC is set (RFC 9471,
/// section 3.1), for without them the zone can't be reached.
pub(super) fn put_glue<B: SegmentOctets>(
    builder: &mut Builder<'_>,
    zone: &Zone<'_, B>,
    cut: Node<'_>,
    servers: Rrset<'_>,
    is_dnssec_ok: bool,
    room: &mut LookupName,
) {
    builder.begin(Section::Additional);
    let apex = cut.name();
    for target in targets(servers).filter(|target| target.is_at_or_below(apex)) {
        if !put_addresses(builder, zone, target, is_dnssec_ok, room) {
            builder.set_truncated();
        }
    }
    if builder.is_truncated() {
        return;
    }
    for target in targets(servers).filter(|target| !target.is_at_or_below(apex)) {
        put_addresses(builder, zone, target, is_dnssec_ok, room);
    }
}

/// Adds the addresses that the zone has of its own name servers, where they fit.
pub(super) fn put_apex_addresses<B: SegmentOctets>(
    builder: &mut Builder<'_>,
    zone: &Zone<'_, B>,
    servers: Rrset<'_>,
    is_dnssec_ok: bool,
    room: &mut LookupName,
) {
    builder.begin(Section::Additional);
    for target in targets(servers) {
        put_addresses(builder, zone, target, is_dnssec_ok, room);
    }
}

/// The names in an NS RRset.
fn targets(servers: Rrset<'_>) -> impl Iterator<Item = NameRef<'_>> {
    servers.rdata().filter_map(|rdata| NameRef::from_wire(rdata).ok())
}

/// Adds the address RRsets of a name, as far as the zone has them and they fit; says whether all did.
fn put_addresses<B: SegmentOctets>(
    builder: &mut Builder<'_>,
    zone: &Zone<'_, B>,
    target: NameRef<'_>,
    is_dnssec_ok: bool,
    room: &mut LookupName,
) -> bool {
    if !target.is_at_or_below(zone.apex()) {
        return true;
    }
    room.set(zone.key(), target);
    let Some(node) = zone.address_node(room) else { return true };
    let mut fits = true;
    for rtype in [Rtype::A, Rtype::AAAA] {
        if let Some(rrset) = node.rrset(rtype.0) {
            fits &= put_rrset(builder, target, rrset, rrset.ttl(), is_dnssec_ok).is_ok();
        }
    }
    fits
}
