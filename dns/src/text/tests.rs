//! Tests of zone files and presentation format.
