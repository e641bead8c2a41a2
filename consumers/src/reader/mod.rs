//! Following generations: connect, map, swap, acknowledge.
