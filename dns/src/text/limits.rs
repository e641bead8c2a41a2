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

/// How many times a zone file and those it includes may include a file: bounds the work of files that include others many times.
pub const FILES_MAX: usize = 1000;
