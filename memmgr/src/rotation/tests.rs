//! The rotation's rules, one by one. The interleavings of all of them are in `tests/simulation`.
