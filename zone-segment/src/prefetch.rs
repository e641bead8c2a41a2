//! Asking the processor for cache lines before they are needed, so that the memory works on a batch of lookups at once.
//!
//! Beside `map.rs` the only file of this crate with unsafe code. One invariant carries it:
//! - `hint-only`: a prefetch reads nothing and cannot fault, whatever its address; the addresses here are of octets that are
//!   borrowed, all the same.
#![expect(unsafe_code, reason = "the processor's prefetch has no safe name")]

/// Octets of a cache line.
const LINE_OCTETS: usize = 64;

/// Asks for the lines of the first `count` octets.
#[inline]
pub(crate) fn prefetch(octets: &[u8], count: usize) {
    let octets = octets.get(..count).unwrap_or(octets);
    // Each line once: octets need not begin at a line's beginning, and the last of them may be in one line more.
    for line in octets.chunks(LINE_OCTETS) {
        prefetch_line(line.as_ptr());
    }
    if let Some(last) = octets.last() {
        prefetch_line(last);
    }
}

/// Asks for the one or two lines that hold the first 64 octets.
#[inline]
pub(crate) fn prefetch_two(octets: &[u8]) {
    if let [first, ..] = octets {
        prefetch_line(first);
        prefetch_line(octets.get(LINE_OCTETS - 1).unwrap_or(first));
    }
}

/// Asks for the line that a value begins in.
#[inline]
pub(crate) fn line_of<T>(value: &T) {
    prefetch_line(std::ptr::from_ref(value).cast());
}

/// Asks for one line.
#[cfg(target_arch = "x86_64")]
#[inline]
fn prefetch_line(octet: *const u8) {
    use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
    // SAFETY: `hint-only`.
    unsafe { _mm_prefetch::<_MM_HINT_T0>(octet.cast()) }
}

/// Asks for one line.
#[cfg(target_arch = "aarch64")]
fn prefetch_line(octet: *const u8) {
    // SAFETY: `hint-only`.
    unsafe {
        std::arch::asm!("prfm pldl1keep, [{octet}]", octet = in(reg) octet, options(nostack, preserves_flags, readonly));
    }
}

/// Other processors fetch when they need it.
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn prefetch_line(_octet: *const u8) {}
