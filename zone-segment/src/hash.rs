//! The keyed hash of names. The key is drawn once a state directory and stands in every segment, so that nobody who
//! does not know it can choose names that share a bucket.

use std::fmt;

use siphasher::sip::SipHasher13;

/// The 128-bit key of the name hash: an input of the writers, equal in all segments of a generation.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct HashKey(pub [u8; 16]);

impl HashKey {
    /// SipHash-1-3 over a name in wire form that is already in lower case.
    pub(crate) fn hash(&self, lowercase_wire: &[u8]) -> u64 {
        SipHasher13::new_with_key(&self.0).hash(lowercase_wire)
    }
}

impl fmt::Debug for HashKey {
    /// Shows nothing of the key but that it is one: logs are read by more people than segments.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HashKey(…)")
    }
}
