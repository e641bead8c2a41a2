//! The rows of a zone's NSEC3 chain: of the records with the parameters that the apex names, as their owners are written.

use crate::denial::{hash_of_label, row_of_hash};
use crate::name::NameRef;

use super::owned::Owned;

/// The type NSEC3.
const NSEC3: u16 = 50;
/// The type NSEC3PARAM.
const NSEC3PARAM: u16 = 51;

/// Algorithm, iterations and salt of a chain.
#[derive(PartialEq, Eq)]
pub(super) struct Parameters {
    /// The hash algorithm.
    algorithm: u8,
    /// Extra iterations, as two octets.
    iterations: [u8; 2],
    /// The salt.
    salt: Box<[u8]>,
}

impl Parameters {
    /// Those at the beginning of the RDATA of an NSEC3 or NSEC3PARAM record (RFC 5155, sections 3.2 and 4.2).
    fn of_rdata(rdata: &[u8]) -> Option<Parameters> {
        let [algorithm, _flags, high, low, salt_length, rest @ ..] = rdata else { return None };
        let salt = rest.get(..usize::from(*salt_length))?.into();
        Some(Parameters { algorithm: *algorithm, iterations: [*high, *low], salt })
    }

    /// Those that an apex names: of its first NSEC3PARAM record without flags, for others are not to be used (RFC 5155, section 4.1.2).
    pub(super) fn of_apex(owned: &Owned<'_>) -> Option<Parameters> {
        let mut records = owned.of_type(NSEC3PARAM).iter();
        Parameters::of_rdata(records.find(|record| record.rdata.get(1) == Some(&0))?.rdata)
    }

    /// The row of an owner of an NSEC3 record of this chain.
    pub(super) fn row_of(&self, name: NameRef<'_>, owned: &Owned<'_>) -> Option<u64> {
        let mut records = owned.of_type(NSEC3).iter();
        records.find(|record| Parameters::of_rdata(record.rdata).as_ref() == Some(self))?;
        hash_of_label(name.labels().next()?).map(|hash| row_of_hash(&hash))
    }
}
