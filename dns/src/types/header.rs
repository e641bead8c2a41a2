//! The numbers of a message's header: [`Opcode`] and [`Rcode`].

use super::numbers::registry;

registry! {
    /// What kind of query a message is; four bits on the wire.
    Opcode(u8), "opcode", "OPCODE";
    /// A standard query.
    QUERY = 0 "QUERY";
    /// An inverse query (obsolete).
    IQUERY = 1 "IQUERY";
    /// A question for the server's status.
    STATUS = 2 "STATUS";
    /// A zone has changed (RFC 1996).
    NOTIFY = 4 "NOTIFY";
    /// A dynamic update (RFC 2136).
    UPDATE = 5 "UPDATE";
    /// DNS stateful operations (RFC 8490).
    DSO = 6 "DSO";
}

registry! {
    /// How a query ended: four bits in the header, twelve with the upper eight that EDNS carries (RFC 6891), sixteen in TSIG.
    Rcode(u16), "rcode", "RCODE";
    /// No error.
    NOERROR = 0 "NOERROR";
    /// The message could not be understood.
    FORMERR = 1 "FORMERR";
    /// The server failed.
    SERVFAIL = 2 "SERVFAIL";
    /// The name does not exist.
    NXDOMAIN = 3 "NXDOMAIN";
    /// The kind of query is not implemented.
    NOTIMP = 4 "NOTIMP";
    /// Refused by policy.
    REFUSED = 5 "REFUSED";
    /// A name exists that should not (RFC 2136).
    YXDOMAIN = 6 "YXDOMAIN";
    /// An RRset exists that should not (RFC 2136).
    YXRRSET = 7 "YXRRSET";
    /// An RRset that should exist does not (RFC 2136).
    NXRRSET = 8 "NXRRSET";
    /// The server is not authoritative for the zone, or the signer not authorised (RFC 8945).
    NOTAUTH = 9 "NOTAUTH";
    /// A name lies outside the zone (RFC 2136).
    NOTZONE = 10 "NOTZONE";
    /// The DSO type is not implemented.
    DSOTYPENI = 11 "DSOTYPENI";
    /// The EDNS version is not supported (RFC 6891).
    BADVERS = 16 "BADVERS";
    /// The key of a TSIG is not known (RFC 8945).
    BADKEY = 17 "BADKEY";
    /// The time of a TSIG is out of its window (RFC 8945).
    BADTIME = 18 "BADTIME";
    /// The mode of a TKEY is bad (RFC 2930).
    BADMODE = 19 "BADMODE";
    /// The name of a TKEY is in use (RFC 2930).
    BADNAME = 20 "BADNAME";
    /// The algorithm of a TKEY is not supported (RFC 2930).
    BADALG = 21 "BADALG";
    /// The MAC of a TSIG is too short (RFC 8945).
    BADTRUNC = 22 "BADTRUNC";
    /// The cookie is missing or bad (RFC 7873).
    BADCOOKIE = 23 "BADCOOKIE";
}

impl Rcode {
    /// The signature of a TSIG is bad (RFC 8945): the same number as BADVERS, told apart by where it stands.
    pub const BADSIG: Self = Self(16);
}
