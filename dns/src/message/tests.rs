//! Tests of queries, hostile ones among them, and of the builder.
