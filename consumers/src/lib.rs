//! Processes that follow generations: the reader library and auth.
