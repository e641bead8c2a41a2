//! Adding an RRset to an answer.

use dns::message::{Builder, Full};
use dns::types::Rtype;
use zone_segment::{NameRef, Rrset};

/// Adds an RRset with its signatures, if they are wanted: both or none.
///
/// Signatures have the TTL of what they cover (RFC 4034, section 3).
pub(super) fn put_rrset(
    builder: &mut Builder<'_>,
    owner: NameRef<'_>,
    rrset: Rrset<'_>,
    ttl: u32,
    with_signatures: bool,
) -> Result<(), Full> {
    let mark = builder.mark();
    builder.rrset(owner, Rtype(rrset.rtype()), ttl, rrset.rdata())?;
    if with_signatures && rrset.signature_count() > 0 {
        builder.rrset(owner, Rtype::RRSIG, ttl, rrset.signatures()).inspect_err(|_| builder.roll_back(mark))?;
    }
    Ok(())
}
