//! The rows of a zone's NSEC3 chain: of the records with the parameters that the apex names, as their owners are written.

use crate::denial::{hash_of_label, row_of_hash};
use crate::name::NameRef;
use crate::nsec3::{NSEC3_SHA1, Nsec3Parameters};

use super::NSEC3;
use super::owned::Owned;

/// The type NSEC3PARAM.
const NSEC3PARAM: u16 = 51;

/// The chain that an apex names.
pub(super) struct Chain {
    /// How often names are hashed again.
    iterations: u16,
    /// What is added to what is hashed.
    salt: Box<[u8]>,
}

impl Chain {
    /// That of the first NSEC3PARAM record that may be used.
    pub(super) fn of_apex(owned: &Owned<'_>) -> Option<Chain> {
        owned.of_type(NSEC3PARAM).iter().find_map(|record| Chain::of_parameters(record.rdata))
    }

    /// That of an NSEC3PARAM record, if it may be used.
    pub(super) fn of_parameters(rdata: &[u8]) -> Option<Chain> {
        let parameters = Nsec3Parameters::in_use(rdata)?;
        Some(Chain { iterations: parameters.iterations, salt: parameters.salt.into() })
    }

    /// What its names are hashed with.
    pub(super) fn parameters(&self) -> Nsec3Parameters<'_> {
        Nsec3Parameters { algorithm: NSEC3_SHA1, iterations: self.iterations, salt: &self.salt }
    }

    /// The row of an owner of an NSEC3 record of this chain.
    pub(super) fn row_of(&self, name: NameRef<'_>, owned: &Owned<'_>) -> Option<u64> {
        let is_of_chain = |rdata| Nsec3Parameters::split(rdata).is_some_and(|(own, ..)| own == self.parameters());
        owned.of_type(NSEC3).iter().find(|record| is_of_chain(record.rdata))?;
        hash_of_label(name.labels().next()?).map(|hash| row_of_hash(&hash))
    }
}
