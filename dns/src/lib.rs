//! DNS types, presentation format and messages.
