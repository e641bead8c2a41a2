//! What a signature is made over (RFC 8945, section 4.3): [`Hasher`] takes messages, signatures before them and the variables of a TSIG
//! record.

use hmac::{Hmac, KeyInit as _, Mac as _};
use md5::Md5;
use sha1::Sha1;
use sha2::{Sha224, Sha256, Sha384, Sha512};

use super::key::{Algorithm, Key};
use crate::message::Header;
use crate::message::header::HEADER_OCTETS;
use crate::types::Class;

/// A hash under way, with the secret of a key in it.
#[derive(Clone)]
pub(super) enum Hasher {
    /// HMAC-MD5.
    Md5(Hmac<Md5>),
    /// HMAC-SHA-1.
    Sha1(Hmac<Sha1>),
    /// HMAC-SHA-224.
    Sha224(Hmac<Sha224>),
    /// HMAC-SHA-256.
    Sha256(Hmac<Sha256>),
    /// HMAC-SHA-384.
    Sha384(Hmac<Sha384>),
    /// HMAC-SHA-512.
    Sha512(Hmac<Sha512>),
}

/// Does the same with a hash of any algorithm.
macro_rules! each {
    ($hasher:expr, $hash:ident => $what:expr) => {
        match $hasher {
            Hasher::Md5($hash) => $what,
            Hasher::Sha1($hash) => $what,
            Hasher::Sha224($hash) => $what,
            Hasher::Sha256($hash) => $what,
            Hasher::Sha384($hash) => $what,
            Hasher::Sha512($hash) => $what,
        }
    };
}

impl Hasher {
    /// Begins with a secret.
    pub(super) fn new(algorithm: Algorithm, secret: &[u8]) -> Self {
        const ANY_LENGTH: &str = "HMAC takes secrets of any length";
        match algorithm {
            Algorithm::HmacMd5 => Self::Md5(Hmac::new_from_slice(secret).expect(ANY_LENGTH)),
            Algorithm::HmacSha1 => Self::Sha1(Hmac::new_from_slice(secret).expect(ANY_LENGTH)),
            Algorithm::HmacSha224 => Self::Sha224(Hmac::new_from_slice(secret).expect(ANY_LENGTH)),
            Algorithm::HmacSha256 => Self::Sha256(Hmac::new_from_slice(secret).expect(ANY_LENGTH)),
            Algorithm::HmacSha384 => Self::Sha384(Hmac::new_from_slice(secret).expect(ANY_LENGTH)),
            Algorithm::HmacSha512 => Self::Sha512(Hmac::new_from_slice(secret).expect(ANY_LENGTH)),
        }
    }

    /// Takes octets.
    pub(super) fn update(&mut self, octets: &[u8]) {
        each!(self, hash => hash.update(octets));
    }

    /// Takes the signature before, with its length (section 5.3).
    pub(super) fn prior(&mut self, mac: &MacOctets) {
        self.update(&(mac.length as u16).to_be_bytes());
        self.update(mac.as_slice());
    }

    /// Takes a message as it was before its TSIG record, which begins at `end`, was added (section 4.3.2): with the id that its signer gave it.
    pub(super) fn stripped(&mut self, message: &[u8], end: usize, original_id: u16) {
        let Some(mut header) = Header::parse(message) else { return };
        header.id = original_id;
        let [.., additional] = &mut header.counts;
        *additional = additional.saturating_sub(1);
        self.update(&header.to_wire());
        self.update(message.get(HEADER_OCTETS..end).unwrap_or_default());
    }

    /// Takes the variables of a TSIG record (section 4.3.3).
    pub(super) fn variables(&mut self, key: &Key, timers: Timers, error: u16, other: &[u8]) {
        self.update(key.name().as_wire());
        self.update(&Class::ANY.0.to_be_bytes());
        self.update(&0u32.to_be_bytes());
        self.update(key.algorithm().wire());
        self.timers(timers);
        self.update(&error.to_be_bytes());
        self.update(&(other.len() as u16).to_be_bytes());
        self.update(other);
    }

    /// Takes the timers alone, as the later messages of a row have it (section 5.3.1).
    pub(super) fn timers(&mut self, timers: Timers) {
        self.update(&timers.to_wire());
    }

    /// Ends with the whole MAC.
    pub(super) fn finish(self) -> MacOctets {
        each!(self, hash => MacOctets::of(&hash.finalize().into_bytes()))
    }

    /// Ends with the answer whether `mac`, which may be truncated, is the MAC; how long that takes does not depend on where it differs.
    pub(super) fn is(self, mac: &[u8]) -> bool {
        each!(self, hash => hash.verify_truncated_left(mac).is_ok())
    }
}

/// When a message was signed, and how far clocks may lie apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Timers {
    /// Seconds since 1970, of which 48 bits count.
    pub(super) time: u64,
    /// Seconds to either side.
    pub(super) fudge: u16,
}

impl Timers {
    /// Both as they stand in a TSIG record.
    pub(super) fn to_wire(self) -> [u8; 8] {
        let [_, _, a, b, c, d, e, f] = self.time.to_be_bytes();
        let [g, h] = self.fudge.to_be_bytes();
        [a, b, c, d, e, f, g, h]
    }

    /// Whether the time signed is near enough.
    pub(super) fn hold_at(self, now: u64) -> bool {
        self.time.abs_diff(now) <= u64::from(self.fudge)
    }
}

/// A MAC, truncated or not.
#[derive(Clone, Copy)]
pub(super) struct MacOctets {
    /// The octets, as far as `length` says.
    octets: [u8; MAC_OCTETS_MAX],
    /// How many of them there are.
    length: usize,
}

impl MacOctets {
    /// Takes a MAC; what is longer than any is cut off.
    pub(super) fn of(mac: &[u8]) -> Self {
        let mut octets = [0; MAC_OCTETS_MAX];
        octets.iter_mut().zip(mac).for_each(|(place, octet)| *place = *octet);
        Self { octets, length: mac.len().min(MAC_OCTETS_MAX) }
    }

    /// Its octets.
    pub(super) fn as_slice(&self) -> &[u8] {
        self.octets.get(..self.length).unwrap_or_default()
    }
}

/// The longest MAC, that of HMAC-SHA-512.
const MAC_OCTETS_MAX: usize = 64;
