//! Record types and query types: [`Rtype`], with every mnemonic of IANA's registry.
//!
//! Where names stand in the RDATA of a type is in `names.rs`; how RDATA is written as text is in `crate::text`.

use super::numbers::registry;

registry! {
    /// A record type, or a query type where it stands in a question.
    ///
    /// ```
    /// use dns::types::Rtype;
    /// assert_eq!("aaaa".parse(), Ok(Rtype::AAAA));
    /// assert_eq!("TYPE65280".parse(), Ok(Rtype(65280)));
    /// assert_eq!(Rtype(65280).to_string(), "TYPE65280");
    /// ```
    Rtype(u16), "type", "TYPE";
    /// A host address.
    A = 1 "A";
    /// An authoritative name server.
    NS = 2 "NS";
    /// A mail destination (obsolete).
    MD = 3 "MD";
    /// A mail forwarder (obsolete).
    MF = 4 "MF";
    /// The canonical name of an alias.
    CNAME = 5 "CNAME";
    /// The start of a zone of authority.
    SOA = 6 "SOA";
    /// A mailbox (experimental).
    MB = 7 "MB";
    /// A mail group member (experimental).
    MG = 8 "MG";
    /// A mail rename (experimental).
    MR = 9 "MR";
    /// Anything at all (experimental).
    NULL = 10 "NULL";
    /// A well-known service.
    WKS = 11 "WKS";
    /// A pointer to another name.
    PTR = 12 "PTR";
    /// Host information.
    HINFO = 13 "HINFO";
    /// Mailbox information.
    MINFO = 14 "MINFO";
    /// A mail exchange.
    MX = 15 "MX";
    /// Text strings.
    TXT = 16 "TXT";
    /// The responsible person.
    RP = 17 "RP";
    /// An AFS database.
    AFSDB = 18 "AFSDB";
    /// An X.25 address.
    X25 = 19 "X25";
    /// An ISDN address.
    ISDN = 20 "ISDN";
    /// A route through.
    RT = 21 "RT";
    /// An NSAP address.
    NSAP = 22 "NSAP";
    /// An NSAP pointer.
    NSAP_PTR = 23 "NSAP-PTR";
    /// A signature (of requests; RFC 2931).
    SIG = 24 "SIG";
    /// A key (of requests; RFC 2930).
    KEY = 25 "KEY";
    /// X.400 mail mapping.
    PX = 26 "PX";
    /// A geographical position.
    GPOS = 27 "GPOS";
    /// An IPv6 address.
    AAAA = 28 "AAAA";
    /// A location.
    LOC = 29 "LOC";
    /// The next name (obsolete).
    NXT = 30 "NXT";
    /// An endpoint identifier.
    EID = 31 "EID";
    /// A Nimrod locator.
    NIMLOC = 32 "NIMLOC";
    /// A server of a service.
    SRV = 33 "SRV";
    /// An ATM address.
    ATMA = 34 "ATMA";
    /// A naming authority pointer.
    NAPTR = 35 "NAPTR";
    /// A key exchanger.
    KX = 36 "KX";
    /// A certificate.
    CERT = 37 "CERT";
    /// An IPv6 address with a prefix (obsolete).
    A6 = 38 "A6";
    /// The redirection of a subtree.
    DNAME = 39 "DNAME";
    /// A kitchen sink.
    SINK = 40 "SINK";
    /// The pseudo-record of EDNS.
    OPT = 41 "OPT";
    /// A list of address prefixes.
    APL = 42 "APL";
    /// A delegation signer.
    DS = 43 "DS";
    /// An SSH key fingerprint.
    SSHFP = 44 "SSHFP";
    /// An IPsec key.
    IPSECKEY = 45 "IPSECKEY";
    /// The signature of an RRset.
    RRSIG = 46 "RRSIG";
    /// The next name and the types here.
    NSEC = 47 "NSEC";
    /// A key of the zone.
    DNSKEY = 48 "DNSKEY";
    /// A DHCP identifier.
    DHCID = 49 "DHCID";
    /// The next hashed name and the types here.
    NSEC3 = 50 "NSEC3";
    /// The parameters of NSEC3.
    NSEC3PARAM = 51 "NSEC3PARAM";
    /// A TLS certificate association.
    TLSA = 52 "TLSA";
    /// An S/MIME certificate association.
    SMIMEA = 53 "SMIMEA";
    /// A host identity.
    HIP = 55 "HIP";
    /// Zone status.
    NINFO = 56 "NINFO";
    /// A record key.
    RKEY = 57 "RKEY";
    /// A trust anchor link.
    TALINK = 58 "TALINK";
    /// The child's DS.
    CDS = 59 "CDS";
    /// The child's DNSKEY.
    CDNSKEY = 60 "CDNSKEY";
    /// An OpenPGP key.
    OPENPGPKEY = 61 "OPENPGPKEY";
    /// Child-to-parent synchronization.
    CSYNC = 62 "CSYNC";
    /// A message digest of the zone.
    ZONEMD = 63 "ZONEMD";
    /// A service binding.
    SVCB = 64 "SVCB";
    /// A service binding for HTTPS.
    HTTPS = 65 "HTTPS";
    /// Where to send generalized notifications.
    DSYNC = 66 "DSYNC";
    /// A hierarchical host identity tag.
    HHIT = 67 "HHIT";
    /// A broadcast remote identification.
    BRID = 68 "BRID";
    /// A sender policy (obsolete).
    SPF = 99 "SPF";
    /// User information.
    UINFO = 100 "UINFO";
    /// A user id.
    UID = 101 "UID";
    /// A group id.
    GID = 102 "GID";
    /// Unspecified.
    UNSPEC = 103 "UNSPEC";
    /// A node identifier.
    NID = 104 "NID";
    /// A 32-bit locator.
    L32 = 105 "L32";
    /// A 64-bit locator.
    L64 = 106 "L64";
    /// A locator pointer.
    LP = 107 "LP";
    /// A 48-bit hardware address.
    EUI48 = 108 "EUI48";
    /// A 64-bit hardware address.
    EUI64 = 109 "EUI64";
    /// That a name does not exist, in compact denial.
    NXNAME = 128 "NXNAME";
    /// A transaction key.
    TKEY = 249 "TKEY";
    /// A transaction signature.
    TSIG = 250 "TSIG";
    /// An incremental transfer (QTYPE).
    IXFR = 251 "IXFR";
    /// A transfer of a whole zone (QTYPE).
    AXFR = 252 "AXFR";
    /// Mailbox-related records (QTYPE).
    MAILB = 253 "MAILB";
    /// Mail agent records (QTYPE).
    MAILA = 254 "MAILA";
    /// Whatever the server cares to give (QTYPE).
    ANY = 255 "ANY";
    /// A URI.
    URI = 256 "URI";
    /// Who may issue certificates.
    CAA = 257 "CAA";
    /// Application visibility and control.
    AVC = 258 "AVC";
    /// A digital object.
    DOA = 259 "DOA";
    /// An AMT relay.
    AMTRELAY = 260 "AMTRELAY";
    /// Resolver information.
    RESINFO = 261 "RESINFO";
    /// A public wallet address.
    WALLET = 262 "WALLET";
    /// A BP convergence layer adapter.
    CLA = 263 "CLA";
    /// A BP node number.
    IPN = 264 "IPN";
    /// A trust anchor.
    TA = 32768 "TA";
    /// A look-aside validation record.
    DLV = 32769 "DLV";
}

impl Rtype {
    /// Whether the number is of a query type or a meta-type (RFC 6895, section 3.1), which never stands in a zone.
    ///
    /// OPT lies outside the reserved range and is one too. So is NXNAME, which only an answer carries (RFC 9824, section 2).
    pub const fn is_meta(self) -> bool {
        matches!(self.0, 0 | 41 | 128..=255)
    }

    /// Whether records of this type may stand beside a CNAME or at a name whose other data is elsewhere: the types of DNSSEC
    /// that speak of the name itself, and KEY for updates (RFC 4035, section 2.5), with SIG which signs one (RFC 2931).
    pub const fn is_allowed_beside_cname(self) -> bool {
        matches!(self, Self::RRSIG | Self::NSEC | Self::SIG | Self::KEY)
    }
}
