//! Limits of what a zone file may ask of its reader.

/// The errors that are collected of one zone file; after one more, reading stops. Enough to repair a file by, and a file that is
/// no zone file at all does not fill memory or logs.
pub const ERRORS_MAX: usize = 100;

/// The warnings that are kept; further ones are dropped, reading goes on.
pub const WARNINGS_MAX: usize = 100;

/// How deeply files may include files; each level holds a file in memory and a frame on the stack.
pub const INCLUDE_DEPTH_MAX: usize = 10;

/// The records that `$GENERATE` makes of a zone, over all its files: a line of text may ask for two thousand million. Enough for the names of
/// the addresses of a /8.
pub const GENERATED_MAX: u64 = 1 << 24;

/// The octets of the records that `$GENERATE` makes of a zone, owners and RDATA, as text or in wire form, whichever is longer: RDATA of
/// 64 KiB may stand in each of them, and a line of text must not fill memory. 64 octets for each of [`GENERATED_MAX`] records.
pub const GENERATED_OCTETS_MAX: u64 = 1 << 30;

/// The tokens of one entry, of 40 octets in memory each; after them it is given up. More than any record can have: RDATA of 65535 octets in
/// hexadecimal digits, each by itself, is 131070.
pub const TOKENS_MAX: usize = 200_000;

/// How many times a zone file and those it includes may include a file: bounds the work of files that include others many times.
pub const FILES_MAX: usize = 1000;
