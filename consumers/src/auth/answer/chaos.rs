//! Class CHAOS: what the server says of itself to operators who ask (RFC 4892). What is not configured is refused.

use dns::message::{Builder, Full, Question};
use dns::types::{Class, Rtype};
use zone_segment::NameRef;

use super::policy::Policy;

/// What a name of class CHAOS is answered with, if anything.
pub(super) fn text<'p>(name: NameRef<'_>, policy: &'p Policy) -> Option<&'p str> {
    let is = |other: &[u8]| name.as_wire().eq_ignore_ascii_case(other);
    if is(VERSION_BIND) || is(VERSION_SERVER) {
        policy.version.as_deref()
    } else if is(ID_SERVER) || is(HOSTNAME_BIND) {
        policy.identity.as_deref()
    } else {
        None
    }
}

/// Writes the text as the answer to a question, if its type is one that a text answers.
pub(super) fn put(builder: &mut Builder<'_>, question: &Question<'_>, text: &str) -> Result<bool, Full> {
    builder.set_authoritative();
    if !matches!(question.rtype, Rtype::TXT | Rtype::ANY) {
        return Ok(false);
    }
    let mut rdata = [0; 1 + TEXT_OCTETS_MAX];
    let text = text.as_bytes().get(..text.len().min(TEXT_OCTETS_MAX)).unwrap_or_default();
    let [length, octets @ ..] = &mut rdata;
    // At most 255.
    *length = text.len() as u8;
    octets.iter_mut().zip(text).for_each(|(place, octet)| *place = *octet);
    builder.set_class(Class::CH);
    builder.rrset(question.name, Rtype::TXT, 0, rdata.get(..=text.len()))?;
    Ok(true)
}

/// The longest text: a character string has one octet for its length (RFC 1035, section 3.3).
pub const TEXT_OCTETS_MAX: usize = 255;

/// `version.bind.`
const VERSION_BIND: &[u8] = b"\x07version\x04bind\0";
/// `version.server.`
const VERSION_SERVER: &[u8] = b"\x07version\x06server\0";
/// `id.server.`
const ID_SERVER: &[u8] = b"\x02id\x06server\0";
/// `hostname.bind.`
const HOSTNAME_BIND: &[u8] = b"\x08hostname\x04bind\0";
