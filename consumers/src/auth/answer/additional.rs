//! The additional section: addresses of name servers. A referral needs the glue of those below the cut (RFC 9471); all else goes in
//! where it fits.

use dns::message::{Builder, Section};
use dns::types::Rtype;
use zone_segment::{LookupName, Node, Rrset, SegmentOctets, Target, Zone};

use super::put::put_rrset;

/// Adds the addresses of a referral's name servers, those in the cut's own domain first: where they don't fit, TC is set (RFC 9471,
/// section 3.1), for without them the zone can't be reached.
pub(super) fn put_glue<'z, B: SegmentOctets>(
    builder: &mut Builder<'_>,
    zone: &Zone<'z, B>,
    cut: Node<'z>,
    servers: Rrset<'z>,
    is_dnssec_ok: bool,
    room: &mut LookupName,
) {
    builder.begin(Section::Additional);
    let apex = cut.name();
    for target in servers.targets().filter(|target| target.name.is_at_or_below(apex)) {
        if !put_addresses(builder, zone, cut, target, is_dnssec_ok, room) {
            builder.set_truncated();
        }
    }
    if builder.is_truncated() {
        return;
    }
    for target in servers.targets().filter(|target| !target.name.is_at_or_below(apex)) {
        put_addresses(builder, zone, cut, target, is_dnssec_ok, room);
    }
}

/// Adds the addresses that the zone has of its own name servers, where they fit.
pub(super) fn put_apex_addresses<'z, B: SegmentOctets>(
    builder: &mut Builder<'_>,
    zone: &Zone<'z, B>,
    apex: Node<'z>,
    servers: Rrset<'z>,
    is_dnssec_ok: bool,
    room: &mut LookupName,
) {
    builder.begin(Section::Additional);
    for target in servers.targets() {
        put_addresses(builder, zone, apex, target, is_dnssec_ok, room);
    }
}

/// Adds the address RRsets of a name server that `owner`'s NS RRset speaks of, as far as the zone has them and they fit; says whether all
/// did.
fn put_addresses<'z, B: SegmentOctets>(
    builder: &mut Builder<'_>,
    zone: &Zone<'z, B>,
    owner: Node<'z>,
    target: Target<'z>,
    is_dnssec_ok: bool,
    room: &mut LookupName,
) -> bool {
    // In a stack of layers a name that is not the zone's would be searched for in each.
    if !target.name.is_at_or_below(zone.apex()) {
        return true;
    }
    let Some(node) = zone.target_node(owner, target, room) else { return true };
    let mut fits = true;
    for rtype in [Rtype::A, Rtype::AAAA] {
        if let Some(rrset) = node.rrset(rtype.0) {
            fits &= put_rrset(builder, target.name, rrset, rrset.ttl(), is_dnssec_ok).is_ok();
        }
    }
    fits
}
