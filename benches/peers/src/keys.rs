//! The names that are asked for: octets in one buffer, as many as a power of two, so that a position wraps without a division.

use zone_segment::NameRef;

/// Octet strings, one behind the other.
#[derive(Debug)]
pub struct Keys {
    /// The octets.
    octets: Vec<u8>,
    /// Where each begins, and where the last ends.
    starts: Vec<usize>,
}

impl Keys {
    /// Takes keys.
    ///
    /// # Panics
    ///
    /// When their number is no power of two.
    pub fn new<K: AsRef<[u8]>>(keys: impl IntoIterator<Item = K>) -> Keys {
        let mut all = Keys { octets: Vec::new(), starts: vec![0] };
        for key in keys {
            all.octets.extend(key.as_ref());
            all.starts.push(all.octets.len());
        }
        assert!(all.len().is_power_of_two(), "{} keys", all.len());
        all
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.starts.len() - 1
    }

    /// The key at a position, which wraps.
    pub fn at(&self, at: usize) -> &[u8] {
        let index = at & (self.len() - 1);
        &self.octets[self.starts[index]..self.starts[index + 1]]
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.len()).map(|index| self.at(index))
    }

    /// The same names in the form whose octets compare in canonical order.
    pub fn canonical(&self) -> Keys {
        let mut key = Vec::new();
        let keys = self.iter().map(|wire| {
            canonical(wire, &mut key);
            key.clone()
        });
        Keys::new(keys)
    }
}

/// Writes the labels of a lower-case name from the right, each with a zero behind it: plain comparison of such keys is canonical order
/// for names without zeros, which is what ordered stores need as their key.
pub fn canonical(wire: &[u8], out: &mut Vec<u8>) {
    let name = NameRef::from_wire(wire).expect("a name");
    out.clear();
    out.resize(wire.len() - 1, 0);
    let mut end = out.len();
    for label in name.labels() {
        let start = end - label.len() - 1;
        out[start..end - 1].copy_from_slice(label);
        end = start;
    }
}
