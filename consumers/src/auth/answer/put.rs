//! Adding an RRset to an answer.

use dns::message::{Builder, Full};
use dns::types::Rtype;
use zone_segment::{NameRef, Rrset};

use super::Style;

/// Adds an RRset with its signatures, if they are wanted: both or none.
///
/// Signatures have the TTL of what they cover (RFC 4034, section 3).
pub(super) fn put_rrset(
    builder: &mut Builder<'_>,
    owner: NameRef<'_>,
    rrset: Rrset<'_>,
    ttl: u32,
    style: Style,
) -> Result<(), Full> {
    let mark = builder.mark();
    let rtype = Rtype(rrset.rtype());
    match (usize::from(style.rotation), rrset.len()) {
        (0, _) | (_, ..=1) => builder.rrset(owner, rtype, ttl, rrset.rdata())?,
        (rotation, records) => {
            let first = rotation % records;
            builder.rrset(owner, rtype, ttl, rrset.rdata().skip(first).chain(rrset.rdata().take(first)))?;
        }
    }
    if style.is_dnssec_ok && rrset.signature_count() > 0 {
        builder.rrset(owner, Rtype::RRSIG, ttl, rrset.signatures()).inspect_err(|_| builder.roll_back(mark))?;
    }
    Ok(())
}
