//! Zone data as immutable, memory-mapped segments: the format, its writer and its readers.
