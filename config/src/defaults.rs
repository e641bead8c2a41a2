//! The values that stand where an operator says nothing, by name. The declarations in [`options`](crate::options) give the same as text, and
//! a test compares them.

/// The largest datagram sent: what passes without fragments nearly everywhere (RFC 9715).
pub const UDP_SIZE_MAX: u16 = 1232;

/// Nothing that an asker can do without: it makes answers longer, and amplification cheaper.
pub const MINIMAL_RESPONSES: bool = true;

/// Resolvers rotate what they hand on; here it would cost every answer something.
pub const ROTATE_RRSETS: bool = false;

/// Connections at a time in one process: at 8 KiB each, 8 MiB.
pub const CONNECTIONS_MAX: u32 = 1000;

/// Connections at a time of one address in one process: many resolvers behind one address find room, and one client can't take all.
pub const CONNECTIONS_PER_CLIENT_MAX: u32 = 100;

/// How long a connection may stay idle: a resolver that has more to ask does so within seconds (RFC 7766, section 6.2.3).
pub const IDLE_TIMEOUT_MS: u64 = 10_000;

/// How long a client may take to read what is written at once.
pub const WRITE_TIMEOUT_MS: u64 = 10_000;

/// TCP Fast Open is off: middleboxes that drop such segments make the first connection slow, and the kernel has a switch of its own.
pub const FAST_OPEN: u32 = 0;

/// Queries of one connection before others have their turn: some dozens share their memory accesses and a write.
pub const PIPELINED_MAX: u32 = 128;

/// Like answers a second to one prefix: far above what a busy resolver asks for, since it has each in its cache.
pub const RESPONSES_PER_SECOND: u32 = 200;

/// Errors a second to one prefix: resolvers remember them for seconds.
pub const ERRORS_PER_SECOND: u32 = 50;

/// Denials of one zone a second to one prefix: names that do not exist are many, so resolvers ask more of them.
pub const NXDOMAINS_PER_SECOND: u32 = 200;

/// Every second limited answer asks to come again over TCP: a real asker gets through within two tries.
pub const SLIP: u32 = 2;

/// Of IPv4, the smallest prefix that is routed.
pub const IPV4_PREFIX: u8 = 24;

/// Of IPv6, what one site commonly has.
pub const IPV6_PREFIX: u8 = 56;

/// Memory for counting, all processes together: a quarter of a million askers, and little enough that processors keep it near.
pub const TABLE_OCTETS: u64 = 4 << 20;

/// Transfers at a time: each costs a socket, a message and a little of one processor.
pub const TRANSFERS_MAX: u32 = 100;

/// Transfers at a time of one address: a secondary that asks for many zones at once is served, and none can take all places.
pub const TRANSFERS_PER_CLIENT_MAX: u32 = 10;

/// How long a client of a transfer may take nothing of what is sent.
pub const SEND_TIMEOUT_MS: u64 = 30_000;
