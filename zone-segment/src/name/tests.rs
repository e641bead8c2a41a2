//! Names against the RFCs examples and limits.
