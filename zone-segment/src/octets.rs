//! Numbers out of octets that may be damaged: what lies outside reads as zero, never as a panic.

/// The `N` octets at `at`, zeros where there are none.
#[inline]
fn array_at<const N: usize>(octets: &[u8], at: usize) -> [u8; N] {
    octets.get(at..).and_then(|rest| rest.first_chunk::<N>()).copied().unwrap_or([0; N])
}

/// The octet at `at`.
#[inline]
pub(crate) fn u8_at(octets: &[u8], at: usize) -> u8 {
    octets.get(at).copied().unwrap_or(0)
}

/// The 16-bit number at `at`.
#[inline]
pub(crate) fn u16_at(octets: &[u8], at: usize) -> u16 {
    u16::from_le_bytes(array_at(octets, at))
}

/// The 32-bit number at `at`.
#[inline]
pub(crate) fn u32_at(octets: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(array_at(octets, at))
}

/// The 64-bit number at `at`.
#[inline]
pub(crate) fn u64_at(octets: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(array_at(octets, at))
}

/// What an arena has from `reference` (in units of four octets) on; nothing behind its end.
#[inline]
pub(crate) fn from_reference(arena: &[u8], reference: u32) -> &[u8] {
    usize::try_from(u64::from(reference) * REFERENCE_UNIT as u64)
        .ok()
        .and_then(|start| arena.get(start..))
        .unwrap_or_default()
}

/// Octets one reference step spans: 32 bits of them address 16 GiB of arena.
pub(crate) const REFERENCE_UNIT: usize = 4;

/// Fills an arena up to the next reference and gives that reference; none when 32 bits cannot say it.
pub(crate) fn next_reference(arena: &mut Vec<u8>) -> Option<u32> {
    arena.resize(arena.len().next_multiple_of(REFERENCE_UNIT), 0);
    u32::try_from(arena.len() / REFERENCE_UNIT).ok().filter(|&reference| reference != u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[ignore = "takes 16 GiB of address space"]
    fn large_arenas_end_where_references_do() {
        // Zeros that nobody reads take no memory.
        let mut arena = vec![0; u32::MAX as usize * REFERENCE_UNIT - 1];
        assert_eq!(next_reference(&mut arena), None, "the last number means that there is no node");
        arena.truncate(arena.len() - REFERENCE_UNIT);
        assert_eq!(next_reference(&mut arena), Some(u32::MAX - 1));
    }
}
