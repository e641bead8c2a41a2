//! Sources: where zone data comes from. A source yields sorted RRsets or says what is wrong; it never touches a segment.
//!
//! [`directory`] finds the zones of a directory of zone files, [`zonefile`] reads one, [`stamp`] tells without reading
//! whether it is still the one that was read, [`watch`] hears from the kernel what changed. [`transfer`] asks the primaries of a secondary zone.

pub(crate) mod catalog;
pub(crate) mod directory;
pub(crate) mod stamp;
pub(crate) mod transfer;
pub(crate) mod watch;
pub(crate) mod zonefile;
