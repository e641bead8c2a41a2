//! Messages: a view of what was received and a builder of what is sent.
