//! What every store holds: the names of a segment with all their records, read out of it in canonical order, so that it and the
//! others are known to have the same.

use zone_segment::{Node, Rrset, Segment, SegmentOctets};

use crate::trine::NSEC;

/// The names of a segment and their records.
#[derive(Debug, Default)]
pub struct Content {
    /// The names in lower case in wire form, one behind the other.
    names: Vec<u8>,
    /// Where each name ends.
    ends: Vec<usize>,
    /// A value a name: its length in four octets, then each record's type, TTL, length and RDATA.
    values: Vec<u8>,
    /// Where each value begins.
    positions: Vec<u64>,
}

impl Content {
    /// Reads all names and records.
    pub fn of<B: SegmentOctets>(segment: &Segment<B>) -> Content {
        Content::wanted(segment, |_| true, |_| true)
    }

    /// Reads the NSEC chain alone.
    pub fn chain_of<B: SegmentOctets>(segment: &Segment<B>) -> Content {
        Content::wanted(segment, |node| node.rrset(NSEC).is_some(), |rrset| rrset.rtype() == NSEC)
    }

    /// Reads the names and RRsets that are wanted.
    fn wanted<B: SegmentOctets>(
        segment: &Segment<B>,
        node_is_wanted: impl Fn(&Node<'_>) -> bool,
        rrset_is_wanted: impl Fn(&Rrset<'_>) -> bool,
    ) -> Content {
        let mut content = Content::default();
        for node in segment.zones().flat_map(|zone| zone.nodes()).filter(node_is_wanted) {
            content.names.extend(node.name().as_wire());
            content.ends.push(content.names.len());
            let start = content.values.len();
            content.positions.push(start as u64);
            content.values.extend([0; 4]);
            for rrset in node.rrsets().filter(&rrset_is_wanted) {
                for rdata in rrset.rdata() {
                    content.values.extend(rrset.rtype().to_le_bytes());
                    content.values.extend(rrset.ttl().to_le_bytes());
                    content.values.extend((rdata.len() as u16).to_le_bytes());
                    content.values.extend(rdata);
                }
            }
            let length = (content.values.len() - start - 4) as u32;
            content.values[start..start + 4].copy_from_slice(&length.to_le_bytes());
        }
        content
    }

    /// How many names.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Octets of a value, on average.
    pub fn value_octets(&self) -> f64 {
        self.values.len() as f64 / self.len().max(1) as f64 - 4.0
    }

    /// Names, and where their values begin.
    pub fn positions(&self) -> impl ExactSizeIterator<Item = (&[u8], u64)> {
        (0..self.len()).map(|index| (self.name(index), self.positions[index]))
    }

    /// Names and their values.
    pub fn entries(&self) -> impl ExactSizeIterator<Item = (&[u8], &[u8])> {
        self.positions().map(|(name, position)| (name, self.value(position)))
    }

    /// The value that begins at a position.
    pub fn value(&self, position: u64) -> &[u8] {
        let rest = &self.values[position as usize..];
        let (length, rest) = rest.split_first_chunk::<4>().expect("a value's length");
        &rest[..u32::from_le_bytes(*length) as usize]
    }

    /// A name.
    fn name(&self, index: usize) -> &[u8] {
        let start = index.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.names[start..self.ends[index]]
    }
}

/// What a lookup reads of a value: the TTL of its first record, and the beginning of its RDATA. 0 of an empty one.
pub fn read_value(value: &[u8]) -> u64 {
    let Some((head, rdata)) = value.split_first_chunk::<8>() else { return 0 };
    let [_, _, ttl @ .., _, _] = *head;
    read_record(u32::from_le_bytes(ttl), rdata)
}

/// What a lookup reads of a record: its TTL and the first four octets of its RDATA, which all types here have.
pub fn read_record(ttl: u32, rdata: &[u8]) -> u64 {
    let beginning = rdata.first_chunk::<4>().map_or(0, |octets| u32::from_le_bytes(*octets));
    u64::from(ttl) << 32 ^ u64::from(beginning)
}
