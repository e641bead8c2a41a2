//! Tests of the zone checks.
