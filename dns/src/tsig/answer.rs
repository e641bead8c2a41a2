//! Answers: [`Signer`] signs those of a server, [`Verifier`] checks those to a client, whether of one message or of many (RFC 8945,
//! sections 5.3 and 5.4).

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use super::FUDGE;
use super::digest::{Hasher, MacOctets, Timers};
use super::key::Key;
use super::record::{Written, find};
use crate::message::Malformed;
use crate::types::Rcode;

/// Signs the messages of one answer, in their order.
#[derive(Clone)]
pub struct Signer {
    /// The key.
    key: Arc<Key>,
    /// The MAC before: the request's, later that of the message before.
    prior: MacOctets,
    /// Whether a message was signed: the later ones are signed over the timers alone.
    is_under_way: bool,
}

impl Signer {
    /// For the answer to a request with this MAC.
    pub(super) fn of_answer(key: Arc<Key>, request: MacOctets) -> Self {
        Self { key, prior: request, is_under_way: false }
    }

    /// The octets that [`sign`](Self::sign) adds to a message.
    pub fn octets(&self) -> usize {
        self.key.signature_octets()
    }

    /// The key.
    pub fn key(&self) -> &Arc<Key> {
        &self.key
    }

    /// Signs a message, which must be whole but for its TSIG record: that is added at its end, and counted in its header.
    pub fn sign(&mut self, message: &mut Vec<u8>, now: u64) {
        let timers = Timers { time: now, fudge: FUDGE };
        let mut hasher = self.key.hasher();
        hasher.prior(&self.prior);
        hasher.update(message);
        match self.is_under_way {
            false => hasher.variables(&self.key, timers, Rcode::NOERROR.0, &[]),
            true => hasher.timers(timers),
        }
        self.prior = hasher.finish();
        self.is_under_way = true;
        push(&self.key, timers, &self.prior, message);
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signer").field("key", &self.key).finish_non_exhaustive()
    }
}

/// Signs a request, which must be whole but for its TSIG record, and gives what checks the answer. The octets it adds are
/// [`Key::signature_octets`].
pub fn sign_request(key: &Arc<Key>, message: &mut Vec<u8>, now: u64) -> Verifier {
    let timers = Timers { time: now, fudge: FUDGE };
    let mut hasher = key.hasher();
    hasher.update(message);
    hasher.variables(key, timers, Rcode::NOERROR.0, &[]);
    let mac = hasher.finish();
    push(key, timers, &mac, message);
    Verifier::of_request(Arc::clone(key), &mac)
}

/// Adds the TSIG record of a message that is signed.
fn push(key: &Key, timers: Timers, mac: &MacOctets, message: &mut Vec<u8>) {
    let (algorithm, mac) = (key.algorithm().wire(), mac.as_slice());
    Written { key: key.name().as_ref(), algorithm, timers, mac, error: Rcode::NOERROR, other: &[] }.push(message);
}

/// Checks the messages of one answer, in their order.
///
/// Not each of many messages need be signed, but the first, the last, and one of a hundred (RFC 8945, section 5.3.1): whoever has read the
/// last asks whether all that came [`is_settled`](Self::is_settled), and takes nothing of it otherwise.
#[derive(Clone)]
pub struct Verifier {
    /// The key.
    key: Arc<Key>,
    /// The hash with the MAC before and the messages since in it.
    running: Hasher,
    /// Whether a message was verified: the later ones are signed over the timers alone.
    is_under_way: bool,
    /// Messages since the last signed one.
    unsigned: usize,
}

/// What was found of a message that fits into its row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Checked {
    /// It is signed; so is all that came before.
    Signed {
        /// The octets of the message before its TSIG record.
        message_octets: usize,
    },
    /// It is not signed itself; a later one has to be.
    Unsigned,
}

impl Verifier {
    /// For the answer to a request with this MAC.
    fn of_request(key: Arc<Key>, mac: &MacOctets) -> Self {
        let mut running = key.hasher();
        running.prior(mac);
        Self { key, running, is_under_way: false, unsigned: 0 }
    }

    /// The key.
    pub fn key(&self) -> &Arc<Key> {
        &self.key
    }

    /// Whether there was a message, and the last one was signed.
    pub fn is_settled(&self) -> bool {
        self.is_under_way && self.unsigned == 0
    }

    /// Checks the next message of the answer. After an error the row stands where it stood: on a transport where anybody can put a datagram
    /// in between, the true answer may still come (RFC 8945, section 5.4).
    ///
    /// # Errors
    ///
    /// [`VerifyError`]; the message is not to be trusted in anything then.
    pub fn verify(&mut self, message: &[u8], now: u64) -> Result<Checked, VerifyError> {
        let Some(tsig) = find(message).map_err(VerifyError::Malformed)? else { return self.unsigned(message) };
        if tsig.mac.is_empty() && tsig.error != Rcode::NOERROR {
            return Err(VerifyError::Peer { error: tsig.error, time: None });
        }
        let has_algorithm = tsig.algorithm.as_wire().eq_ignore_ascii_case(self.key.algorithm().wire());
        if tsig.key != *self.key.name() || !has_algorithm {
            return Err(VerifyError::Key { expected: self.key.name().to_string(), found: tsig.key.to_string() });
        }
        if !self.key.takes_mac_of(tsig.mac.len()) {
            return Err(VerifyError::MacLength { found: tsig.mac.len() });
        }
        let mut hasher = self.running.clone();
        hasher.stripped(message, tsig.start, tsig.original_id);
        match self.is_under_way {
            false => hasher.variables(&self.key, tsig.timers(), tsig.error.0, tsig.other),
            true => hasher.timers(tsig.timers()),
        }
        if !hasher.is(tsig.mac) {
            return Err(VerifyError::Signature);
        }
        if tsig.error != Rcode::NOERROR {
            let time = |[a, b, c, d, e, f]: [u8; 6]| u64::from_be_bytes([0, 0, a, b, c, d, e, f]);
            return Err(VerifyError::Peer { error: tsig.error, time: tsig.other.try_into().ok().map(time) });
        }
        if !tsig.timers().hold_at(now) {
            return Err(VerifyError::Time { signed: tsig.time_signed, now });
        }
        self.running = self.key.hasher();
        self.running.prior(&MacOctets::of(tsig.mac));
        self.is_under_way = true;
        self.unsigned = 0;
        Ok(Checked::Signed { message_octets: tsig.start })
    }

    /// Takes a message without a signature, where there may be one.
    fn unsigned(&mut self, message: &[u8]) -> Result<Checked, VerifyError> {
        if !self.is_under_way {
            return Err(VerifyError::NotSigned);
        }
        if self.unsigned == UNSIGNED_MAX {
            return Err(VerifyError::TooManyUnsigned);
        }
        self.unsigned += 1;
        self.running.update(message);
        Ok(Checked::Unsigned)
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { key, is_under_way, unsigned, .. } = self;
        f.debug_struct("Verifier")
            .field("key", key)
            .field("is_under_way", is_under_way)
            .field("unsigned", unsigned)
            .finish_non_exhaustive()
    }
}

/// Why a message of an answer is not to be trusted.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum VerifyError {
    /// It can't be read.
    Malformed(Malformed),
    /// It has no signature, and is the first.
    NotSigned,
    /// It has no signature, as the 99 before.
    TooManyUnsigned,
    /// It is signed with another key, or by another algorithm.
    Key {
        /// The key of the request.
        expected: String,
        /// The key of the answer.
        found: String,
    },
    /// Its MAC is longer than whole or shorter than half.
    MacLength {
        /// The octets of the MAC.
        found: usize,
    },
    /// Its MAC is another.
    Signature,
    /// It was signed at another time.
    Time {
        /// When, in seconds since 1970.
        signed: u64,
        /// The time here.
        now: u64,
    },
    /// The other side did not take the signature of the request. Without a MAC in it anybody may have said so.
    Peer {
        /// BADKEY, BADSIG, BADTIME, BADTRUNC.
        error: Rcode,
        /// The time there, where that was at fault.
        time: Option<u64>,
    },
}

impl fmt::Display for VerifyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(error) => error.fmt(f),
            Self::NotSigned => f.write_str("expected a signed answer, found one without a signature"),
            Self::TooManyUnsigned => write!(f, "expected a signature, found none in {} messages", UNSIGNED_MAX + 1),
            Self::Key { expected, found } => {
                write!(f, "expected a signature with key {expected} and its algorithm, found key {found}")
            }
            Self::MacLength { found } => write!(f, "expected a whole signature or half of one, found {found} octets"),
            Self::Signature => {
                f.write_str("the signature is another than expected: do both ends have the same secret?")
            }
            Self::Time { signed, now } => {
                write!(f, "the answer was signed at {signed}, and it is {now} here: are both clocks right?")
            }
            Self::Peer { error: Rcode::BADKEY, .. } => f.write_str("the other end does not know the key (BADKEY)"),
            Self::Peer { error: Rcode::BADSIG, .. } => {
                f.write_str("the other end expected another signature (BADSIG): do both ends have the same secret?")
            }
            Self::Peer { error: Rcode::BADTIME, time: Some(time) } => {
                write!(f, "the other end says that it is {time} there (BADTIME): are both clocks right?")
            }
            Self::Peer { error, .. } => write!(f, "the other end did not take the signature ({error})"),
        }
    }
}

impl Error for VerifyError {}

/// Messages without a signature between two with one (RFC 8945, section 5.3.1).
pub const UNSIGNED_MAX: usize = 99;
