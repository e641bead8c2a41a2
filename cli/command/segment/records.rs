//! The records of a node, one by one in the order in which they are stored, each where it lies: what is dumped, compared and shown.

use std::cmp::Ordering;

use dns::text::present;
use dns::types::Rtype;
use zone_segment::{NameRef, Node, Rrset};

/// A record of a node.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct RecordRef<'a> {
    /// The type of the RRset that it is in; of a signature, the one that it covers.
    pub(super) set: Rtype,
    /// Whether it is a signature.
    is_signature: bool,
    /// Its TTL.
    ttl: u32,
    /// Its RDATA.
    rdata: &'a [u8],
}

impl RecordRef<'_> {
    /// Its type.
    fn rtype(&self) -> Rtype {
        if self.is_signature { Rtype::RRSIG } else { self.set }
    }

    /// Compares it with another one of the same owner in the order in which they are stored: by RRset, signatures behind what they
    /// cover, RDATA as octets.
    pub(super) fn stored_cmp(&self, other: &RecordRef<'_>) -> Ordering {
        let place = |record: &RecordRef<'_>| (record.set, record.is_signature);
        place(self).cmp(&place(other)).then_with(|| self.rdata.cmp(other.rdata))
    }

    /// Appends it in presentation format, on a line without its end.
    pub(super) fn present(&self, owner: NameRef<'_>, out: &mut String) {
        present::push_record(out, owner, self.ttl, self.rtype(), self.rdata);
    }
}

/// The records of a node, in the order in which they are stored: canonical but for the case of names in RDATA.
pub(super) fn of_node<'a>(node: &Node<'a>) -> impl Iterator<Item = RecordRef<'a>> + use<'a> {
    node.rrsets().flat_map(|rrset| of_rrset(&rrset))
}

/// The records of an RRset, and the signatures that cover it.
fn of_rrset<'a>(rrset: &Rrset<'a>) -> impl Iterator<Item = RecordRef<'a>> + use<'a> {
    let set = Rtype(rrset.rtype());
    let record = move |is_signature, ttl| move |rdata| RecordRef { set, is_signature, ttl, rdata };
    let records = rrset.rdata().map(record(false, rrset.ttl()));
    records.chain(rrset.signatures().map(record(true, rrset.signature_ttl())))
}
