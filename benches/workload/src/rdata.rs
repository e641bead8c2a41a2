//! RDATA in wire form, of the types that generated zones have.

use dns::types::Rtype;

use crate::random::Random;

/// An SOA record's.
pub(crate) fn soa(mname: &[u8], rname: &[u8], serial: u32) -> Vec<u8> {
    let mut rdata = [mname, rname].concat();
    for number in [serial, 1800, 900, 604_800, NEGATIVE_TTL] {
        rdata.extend(number.to_be_bytes());
    }
    rdata
}

/// An A record's, in 10.0.0.0/8.
pub(crate) fn a(random: &mut Random) -> [u8; 4] {
    let [a, b, c, ..] = random.next().to_be_bytes();
    [10, a, b, c]
}

/// An AAAA record's, in 2001:db8::/32.
pub(crate) fn aaaa(random: &mut Random) -> [u8; 16] {
    let mut rdata = *b"\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\0";
    random.fill(&mut rdata[12..]);
    rdata
}

/// An MX record's.
pub(crate) fn mx(preference: u16, exchange: &[u8]) -> Vec<u8> {
    [&preference.to_be_bytes(), exchange].concat()
}

/// A TXT record's: what a mail domain says of who may send for it.
pub(crate) fn txt(random: &mut Random) -> Vec<u8> {
    let [a, b, c, ..] = random.next().to_be_bytes();
    let text = format!("v=spf1 ip4:10.{a}.{b}.{c} -all");
    // Far below 255 octets.
    [&[text.len() as u8], text.as_bytes()].concat()
}

/// A DS record's, with a SHA-256 digest of a key of algorithm ECDSA P-256.
pub(crate) fn ds(random: &mut Random) -> [u8; 36] {
    let mut rdata = [0; 36];
    random.fill(&mut rdata);
    rdata[2..4].copy_from_slice(&[ECDSA_P256, SHA_256]);
    rdata
}

/// A DNSKEY record's; `is_entry_point` for the one that DS records lead to.
pub(crate) fn dnskey(is_entry_point: bool, random: &mut Random) -> [u8; 68] {
    let mut rdata = [0; 68];
    random.fill(&mut rdata);
    rdata[..4].copy_from_slice(&[1, u8::from(is_entry_point), 3, ECDSA_P256]);
    rdata
}

/// An RRSIG record's: the octets of the signature are drawn, their number is real.
pub(crate) fn rrsig(covered: Rtype, labels: u8, ttl: u32, signer: &[u8], random: &mut Random) -> Vec<u8> {
    let mut rdata = Vec::with_capacity(18 + signer.len() + 64);
    rdata.extend(covered.0.to_be_bytes());
    rdata.extend([ECDSA_P256, labels]);
    for number in [ttl, INCEPTION + 14 * 86_400, INCEPTION] {
        rdata.extend(number.to_be_bytes());
    }
    rdata.extend(KEY_TAG.to_be_bytes());
    rdata.extend(signer);
    let mut signature = [0; 64];
    random.fill(&mut signature);
    rdata.extend(signature);
    rdata
}

/// An NSEC record's; all types are below 256.
pub(crate) fn nsec(next: &[u8], types: impl IntoIterator<Item = Rtype>) -> Vec<u8> {
    let mut bitmap = [0u8; 32];
    for Rtype(rtype) in types {
        bitmap[usize::from(rtype / 8)] |= 0x80 >> (rtype % 8);
    }
    let length = bitmap.iter().rposition(|octet| *octet != 0).map_or(0, |last| last + 1);
    // One window block, window 0.
    [next, &[0, length as u8], &bitmap[..length]].concat()
}

/// The TTL of negative answers, and with it that of NSEC records (RFC 9077).
pub(crate) const NEGATIVE_TTL: u32 = 86_400;

/// The algorithm number of ECDSA P-256 with SHA-256 (RFC 6605).
const ECDSA_P256: u8 = 13;

/// The digest type of SHA-256 (RFC 4509).
const SHA_256: u8 = 2;

/// When signatures were made: a fixed time, since nobody validates them.
const INCEPTION: u32 = 1_735_689_600;

/// The tag of the key they were made with.
const KEY_TAG: u16 = 34_505;
