//! DNS cookies (RFC 7873) as servers of any make read each other's (RFC 9018): a client that sends one back has shown that answers
//! reach it.
//!
//! A server cookie is a version, the time it was made, and a hash (SipHash-2-4 under a secret) of these, the client's cookie and its
//! address. Nothing is kept for a client.

use std::fmt;
use std::hash::Hasher;
use std::net::IpAddr;

use siphasher::sip::SipHasher24;

/// The secrets that cookies are made with.
#[derive(Clone)]
pub struct Cookies {
    /// The one that new cookies are made with.
    current: Secret,
    /// Others that are accepted: the one before, or the next one.
    others: Vec<Secret>,
}

/// A secret.
pub type Secret = [u8; 16];

/// A client's cookie.
pub(super) type ClientCookie = [u8; CLIENT_OCTETS];

/// A whole cookie, as an answer brings it.
pub(super) type Cookie = [u8; COOKIE_OCTETS];

/// What came as a cookie.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Received {
    /// The client's part alone, or with a server's part that is not to be trusted: made elsewhere, too old, forged.
    Unproven(ClientCookie),
    /// With a server's part that was made here for this client.
    Valid(ClientCookie),
    /// No cookie has such a length (RFC 7873, section 5.2.2).
    Malformed,
}

impl Cookies {
    /// Cookies made with the first of these secrets; those made with any of them are accepted. `None` without a secret.
    pub fn new(secrets: &[Secret]) -> Option<Self> {
        let (current, others) = secrets.split_first()?;
        Some(Self { current: *current, others: others.to_vec() })
    }

    /// Reads a cookie option.
    pub(super) fn read(&self, option: &[u8], address: IpAddr, now: u32) -> Received {
        let Some((client, server)) = option.split_first_chunk::<CLIENT_OCTETS>() else { return Received::Malformed };
        match (server.len(), server.first_chunk::<SERVER_OCTETS>()) {
            (SERVER_OCTETS, Some(server)) if self.is_valid(client, server, address, now) => Received::Valid(*client),
            (0 | SERVER_OCTETS_MIN..=SERVER_OCTETS_MAX, _) => Received::Unproven(*client),
            _ => Received::Malformed,
        }
    }

    /// The cookie to answer with.
    pub(super) fn make(&self, client: &ClientCookie, address: IpAddr, now: u32) -> Cookie {
        let mut cookie = [0; COOKIE_OCTETS];
        cookie[..CLIENT_OCTETS].copy_from_slice(client);
        cookie[CLIENT_OCTETS..].copy_from_slice(&server_cookie(&self.current, client, address, now));
        cookie
    }

    /// Whether a server's part was made with one of the secrets, for this client, not too long ago.
    fn is_valid(&self, client: &ClientCookie, server: &[u8; SERVER_OCTETS], address: IpAddr, now: u32) -> bool {
        let [version, _, _, _, a, b, c, d, ..] = *server;
        let made = u32::from_be_bytes([a, b, c, d]);
        // In serial arithmetic (RFC 1982), since seconds since 1970 come round in 2106.
        let age = now.wrapping_sub(made).cast_signed();
        if version != VERSION || !(-FUTURE_SECONDS_MAX..=AGE_SECONDS_MAX).contains(&age) {
            return false;
        }
        [&self.current].into_iter().chain(&self.others).any(|secret| {
            let expected = server_cookie(secret, client, address, made);
            // All octets, however early they differ: the time taken tells nothing.
            expected.iter().zip(server).fold(0, |differs, (a, b)| differs | (a ^ b)) == 0
        })
    }
}

impl fmt::Debug for Cookies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Secrets are not shown.
        f.debug_struct("Cookies").field("others", &self.others.len()).finish_non_exhaustive()
    }
}

/// A server's part: version, three reserved octets, time, hash (RFC 9018, section 4).
fn server_cookie(secret: &Secret, client: &ClientCookie, address: IpAddr, made: u32) -> [u8; SERVER_OCTETS] {
    let mut cookie = [0; SERVER_OCTETS];
    cookie[0] = VERSION;
    cookie[4..8].copy_from_slice(&made.to_be_bytes());
    let mut hasher = SipHasher24::new_with_key(secret);
    hasher.write(client);
    hasher.write(&cookie[..8]);
    match address {
        IpAddr::V4(address) => hasher.write(&address.octets()),
        IpAddr::V6(address) => hasher.write(&address.octets()),
    }
    cookie[8..].copy_from_slice(&hasher.finish().to_le_bytes());
    cookie
}

/// Octets of a client's cookie.
const CLIENT_OCTETS: usize = 8;
/// Octets of a server's part as made here.
const SERVER_OCTETS: usize = 16;
/// The fewest octets of any server's part.
const SERVER_OCTETS_MIN: usize = 8;
/// The most.
const SERVER_OCTETS_MAX: usize = 32;
/// Octets of a whole cookie as made here.
pub(super) const COOKIE_OCTETS: usize = CLIENT_OCTETS + SERVER_OCTETS;
/// The version of server cookies (RFC 9018, section 4.1).
const VERSION: u8 = 1;
/// How old a cookie may be (RFC 9018, section 4.3).
const AGE_SECONDS_MAX: i32 = 3600;
/// How far ahead of this one a clock may be that made it.
const FUTURE_SECONDS_MAX: i32 = 300;

#[cfg(test)]
mod tests {
    use super::*;

    /// The secret of the examples in RFC 9018, appendix A.1.
    const SECRET: Secret =
        [0xe5, 0xe9, 0x73, 0xe5, 0xa6, 0xb2, 0xa4, 0x3f, 0x48, 0xe7, 0xdc, 0x84, 0x9e, 0x37, 0xbf, 0xcf];

    /// Octets of hexadecimal digits.
    fn octets(digits: &str) -> Vec<u8> {
        digits
            .as_bytes()
            .chunks(2)
            .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
            .collect()
    }

    #[test]
    fn cookies_are_those_of_the_examples_of_rfc_9018() {
        let cookies = Cookies::new(&[SECRET]).unwrap();
        let address = "198.51.100.100".parse().unwrap();
        let made = cookies.make(&[0x24, 0x64, 0xc4, 0xab, 0xcf, 0x10, 0xc9, 0x57], address, 1_559_731_985);
        assert_eq!(made[..], octets("2464c4abcf10c957010000005cf79f111f8130c3eee29480"));
        assert_eq!(
            cookies.read(&made, address, 1_559_731_985),
            Received::Valid([0x24, 0x64, 0xc4, 0xab, 0xcf, 0x10, 0xc9, 0x57])
        );
    }

    #[test]
    fn an_ipv6_example_and_a_secret_that_was_rolled() {
        let old = Secret::try_from(octets("dd3bdf9344b678b185a6f5cb60fca715")).unwrap();
        let new = Secret::try_from(octets("445536bcd2513298075a5d379663c962")).unwrap();
        let address = "2001:db8:220:1:59de:d0f4:8769:82b8".parse().unwrap();
        let cookies = Cookies::new(&[new, old]).unwrap();
        let sent = octets("22681ab97d52c298010000005cf7c57926556bd0934c72f8");
        assert_eq!(cookies.read(&sent, address, 1_559_741_961), Received::Valid(*sent.first_chunk().unwrap()));
        let made = cookies.make(sent.first_chunk().unwrap(), address, 1_559_741_961);
        assert_eq!(made[..], octets("22681ab97d52c298010000005cf7c609a6bb79d16625507a"));
    }

    #[test]
    fn what_is_stale_forged_or_another_clients_proves_nothing() {
        let cookies = Cookies::new(&[SECRET]).unwrap();
        let address = "192.0.2.1".parse().unwrap();
        let made = cookies.make(&[7; 8], address, 10_000);
        let unproven = Received::Unproven([7; 8]);
        assert_eq!(cookies.read(&made, address, 13_600), Received::Valid([7; 8]));
        assert_eq!(cookies.read(&made, address, 13_601), unproven);
        assert_eq!(cookies.read(&made, address, 9_700), Received::Valid([7; 8]));
        assert_eq!(cookies.read(&made, address, 9_699), unproven);
        assert_eq!(cookies.read(&made, "192.0.2.2".parse().unwrap(), 10_000), unproven);
        for place in CLIENT_OCTETS..COOKIE_OCTETS {
            let mut forged = made;
            forged[place] ^= 1;
            assert_eq!(cookies.read(&forged, address, 10_000), unproven, "octet {place}");
        }
    }

    #[test]
    fn lengths_that_no_cookie_has_are_malformed() {
        let cookies = Cookies::new(&[SECRET]).unwrap();
        for length in 0..60 {
            let is_known = length == 8 || (16..=40).contains(&length);
            let read = cookies.read(&vec![0; length], "192.0.2.1".parse().unwrap(), 0);
            assert_eq!(read != Received::Malformed, is_known, "{length} octets");
        }
    }
}
