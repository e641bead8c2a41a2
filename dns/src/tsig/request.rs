//! The server's side (RFC 8945, section 5.2): [`verify_request`] checks the signature of what was asked, and says how to answer.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use zone_segment::Name;

use super::answer::Signer;
use super::digest::{MacOctets, Timers};
use super::key::{Key, Keys};
use super::record::{self, Tsig, Written, find};
use crate::types::Rcode;

/// A request whose signature is good.
#[derive(Clone)]
pub struct Verified {
    /// The key it was signed with.
    key: Arc<Key>,
    /// Its MAC as it came, which the answer's is made over.
    mac: MacOctets,
    /// The octets before its TSIG record.
    message_octets: usize,
}

impl Verified {
    /// The key it was signed with.
    pub fn key(&self) -> &Arc<Key> {
        &self.key
    }

    /// The octets of the message before its TSIG record.
    pub fn message_octets(&self) -> usize {
        self.message_octets
    }

    /// Signs the answer: one message, or all of a transfer in their order.
    pub fn signer(&self) -> Signer {
        Signer::of_answer(Arc::clone(&self.key), self.mac)
    }
}

impl fmt::Debug for Verified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verified").field("key", &self.key).finish_non_exhaustive()
    }
}

/// A request that is refused for its signature.
#[derive(Clone)]
pub struct Refused {
    /// BADKEY, BADSIG, BADTIME, or FORMERR.
    error: Rcode,
    /// What the answer's TSIG record says, where it has one.
    answer: Option<Answer>,
}

/// What the TSIG record of a refusing answer says.
#[derive(Clone)]
struct Answer {
    /// The name of the key, as it came.
    key: Name,
    /// The name of the algorithm, as it came.
    algorithm: Name,
    /// The timers, as they came: with BADTIME the client has to find its own (RFC 8945, section 5.2.3).
    timers: Timers,
    /// With BADTIME the answer is signed, and says the time here.
    signed: Option<Signed>,
}

/// What an answer with BADTIME is signed with.
#[derive(Clone)]
struct Signed {
    /// The key.
    key: Arc<Key>,
    /// The MAC of the request.
    mac: MacOctets,
    /// The time here, 48 bits.
    now: [u8; 6],
}

impl Refused {
    /// A message that can't be read, or not its TSIG record, which gets an answer without one.
    fn malformed() -> Self {
        Self { error: Rcode::FORMERR, answer: None }
    }

    /// A request that is refused with an unsigned answer.
    fn unsigned(error: Rcode, tsig: &Tsig<'_>) -> Self {
        Self { error, answer: Some(Answer::to(tsig)) }
    }

    /// What is wrong: BADKEY, BADSIG, BADTIME, or FORMERR for what can't be understood or has a MAC of no possible length.
    pub fn error(&self) -> Rcode {
        self.error
    }

    /// The RCODE of the answer's header: NOTAUTH, or FORMERR (RFC 8945, section 5.2).
    pub fn rcode(&self) -> Rcode {
        match self.error {
            Rcode::FORMERR => Rcode::FORMERR,
            _ => Rcode::NOTAUTH,
        }
    }

    /// The name of the key, where the message could be read. Whoever sent it need not have it.
    pub fn key(&self) -> Option<&Name> {
        self.answer.as_ref().map(|answer| &answer.key)
    }

    /// The octets that [`sign`](Self::sign) adds.
    pub fn octets(&self) -> usize {
        let Some(answer) = &self.answer else { return 0 };
        let (mac, other) = match &answer.signed {
            Some(signed) => (signed.key.algorithm().octets(), signed.now.len()),
            None => (0, 0),
        };
        record::octets(answer.key.as_wire().len(), answer.algorithm.as_wire().len(), mac, other)
    }

    /// Adds the TSIG record to the answer (RFC 8945, section 5.3.2): unsigned with BADKEY and BADSIG, signed with BADTIME, none with FORMERR.
    pub fn sign(&self, message: &mut Vec<u8>) {
        let Some(answer) = &self.answer else { return };
        let Answer { key, algorithm, timers, .. } = answer;
        let mut mac = MacOctets::of(&[]);
        let mut other: &[u8] = &[];
        if let Some(signed) = &answer.signed {
            other = &signed.now;
            let mut hasher = signed.key.hasher();
            hasher.prior(&signed.mac);
            hasher.update(message);
            hasher.variables(&signed.key, *timers, self.error.0, other);
            mac = hasher.finish();
        }
        let (error, algorithm, mac) = (self.error, algorithm.as_wire(), mac.as_slice());
        Written { key: key.as_ref(), algorithm, timers: *timers, mac, error, other }.push(message);
    }
}

impl Answer {
    /// An unsigned answer to a request with this record.
    fn to(tsig: &Tsig<'_>) -> Self {
        Self { key: tsig.key.clone(), algorithm: tsig.algorithm.clone(), timers: tsig.timers(), signed: None }
    }
}

impl fmt::Debug for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Refused").field("error", &self.error).field("key", &self.key()).finish_non_exhaustive()
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let error = match self.error {
            Rcode::BADSIG => "BADSIG".to_owned(),
            error => error.to_string(),
        };
        match self.key() {
            Some(key) => write!(f, "the signature with key {key} is refused: {error}"),
            None => write!(f, "the signature is refused: {error}"),
        }
    }
}

impl Error for Refused {}

/// Checks the signature of a request, if it has one; none says that it has not. The order is that of RFC 8945, section 5.2: message, key,
/// MAC, time.
///
/// That a request comes twice within its window is not found out: who has heard it may have its effect again, as with any datagram.
///
/// # Errors
///
/// [`Refused`], which says how to answer.
pub fn verify_request(message: &[u8], keys: &Keys, now: u64) -> Result<Option<Verified>, Box<Refused>> {
    let Some(tsig) = find(message).map_err(|_| Refused::malformed())? else { return Ok(None) };
    let Some(key) = keys.of_signature(tsig.key.as_ref(), tsig.algorithm.as_ref()) else {
        return Err(Refused::unsigned(Rcode::BADKEY, &tsig).into());
    };
    if !key.takes_mac_of(tsig.mac.len()) {
        return Err(Refused::malformed().into());
    }
    let mut hasher = key.hasher();
    hasher.stripped(message, tsig.start, tsig.original_id);
    hasher.variables(key, tsig.timers(), tsig.error.0, tsig.other);
    if !hasher.is(tsig.mac) {
        return Err(Refused::unsigned(Rcode::BADSIG, &tsig).into());
    }
    let mac = MacOctets::of(tsig.mac);
    if !tsig.timers().hold_at(now) {
        let [_, _, now @ ..] = now.to_be_bytes();
        let signed = Some(Signed { key: Arc::clone(key), mac, now });
        return Err(Refused { error: Rcode::BADTIME, answer: Some(Answer { signed, ..Answer::to(&tsig) }) }.into());
    }
    Ok(Some(Verified { key: Arc::clone(key), mac, message_octets: tsig.start }))
}
