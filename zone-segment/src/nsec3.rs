//! The hash of NSEC3 owners (RFC 5155, section 5): the same for the builder, which links names to the records that speak of them, for
//! checks of zones, and for answers about names that are not there.

use sha1::{Digest, Sha1};

use crate::name::{NAME_OCTETS_MAX, NameRef};

/// Octets of a hash in the name of an NSEC3 owner: SHA-1's, the only one defined (RFC 5155, section 11).
pub const NSEC3_HASH_OCTETS: usize = 20;

/// A hashed name.
pub type Nsec3Hash = [u8; NSEC3_HASH_OCTETS];

/// The number of SHA-1 among hash algorithms (RFC 5155, section 11).
pub const NSEC3_SHA1: u8 = 1;

/// What names are hashed with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Nsec3Parameters<'a> {
    /// The hash algorithm.
    pub algorithm: u8,
    /// How often it is used again.
    pub iterations: u16,
    /// What is added to what is hashed.
    pub salt: &'a [u8],
}

impl<'a> Nsec3Parameters<'a> {
    /// Those that the RDATA of an NSEC3 or NSEC3PARAM record begins with (RFC 5155, sections 3.2 and 4.2), its flags, and the rest of it.
    pub fn split(rdata: &'a [u8]) -> Option<(Self, u8, &'a [u8])> {
        let ([algorithm, flags, high, low, salt_octets], rest) = rdata.split_first_chunk()?;
        let (salt, rest) = rest.split_at_checked(usize::from(*salt_octets))?;
        Some((Self { algorithm: *algorithm, iterations: u16::from_be_bytes([*high, *low]), salt }, *flags, rest))
    }

    /// Those of an NSEC3PARAM record that are to be used: of a known algorithm, without flags (RFC 5155, section 4.1.2).
    pub fn in_use(rdata: &'a [u8]) -> Option<Self> {
        Self::split(rdata).filter(|(own, flags, _)| own.algorithm == NSEC3_SHA1 && *flags == 0).map(|(own, ..)| own)
    }

    /// The hash of a name. Allocates nothing.
    pub fn hash(&self, name: NameRef<'_>) -> Nsec3Hash {
        let mut folded = [0; NAME_OCTETS_MAX];
        let wire = name.as_wire();
        // A name has at most so many octets. A length octet is below the letters, so that folding changes labels only.
        let folded = &mut folded[..wire.len()];
        folded.copy_from_slice(wire);
        folded.make_ascii_lowercase();
        let mut hash = Sha1::new().chain_update(&*folded).chain_update(self.salt).finalize();
        for _ in 0..self.iterations {
            hash = Sha1::new().chain_update(hash).chain_update(self.salt).finalize();
        }
        hash.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::denial::hash_of_label;
    use crate::name::Name;

    #[test]
    fn names_hash_as_in_appendix_a_of_rfc_5155() {
        let parameters = Nsec3Parameters { algorithm: 1, iterations: 12, salt: &[0xaa, 0xbb, 0xcc, 0xdd] };
        for (name, label) in [
            (&b"\x07example\0"[..], b"0p9mhaveqvm6t7vbl5lop2u3t2rp3tom"),
            (b"\x01a\x07EXAMPLE\0", b"35mthgpgcu1qg68fab165klnsnk3dpvl"),
            (b"\x01*\x01w\x07example\0", b"r53bq7cc2uvmubfu5ocmm6pers9tk9en"),
        ] {
            let name = Name::from_wire(name).expect("a name");
            assert_eq!(Some(parameters.hash(name.as_ref())), hash_of_label(label), "{name}");
        }
    }

    #[test]
    fn parameters_with_flags_or_of_another_algorithm_are_not_used() {
        assert!(Nsec3Parameters::in_use(&[1, 0, 0, 1, 1, 7]).is_some());
        for rdata in [&[1, 1, 0, 1, 1, 7][..], &[2, 0, 0, 1, 1, 7], &[1, 0, 0, 1, 2, 7], &[1, 0, 0]] {
            assert_eq!(Nsec3Parameters::in_use(rdata), None);
        }
    }
}
