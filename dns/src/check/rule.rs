//! The rules a zone has to keep: name, severity, words and remedy of each, in one table.

use crate::text::Severity;
use std::fmt;

/// Makes [`Rule`] and what is known of each from one table.
macro_rules! rules {
    ($($(#[$doc:meta])* $variant:ident $name:literal $severity:ident $text:literal $(; $remedy:literal)?)*) => {
        /// A rule that a zone has to keep.
        #[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
        #[non_exhaustive]
        pub enum Rule {
            $($(#[$doc])* $variant,)*
        }

        impl Rule {
            /// All of them, in the order of the table in `docs/zone-file-format.md`.
            pub const ALL: &'static [Rule] = &[$(Self::$variant,)*];

            /// Its name in messages.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// Whether a zone that breaks it is not served.
            pub const fn severity(self) -> Severity {
                match self { $(Self::$variant => Severity::$severity,)* }
            }

            /// What is said when it is broken.
            pub const fn text(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }

            /// What to do about it, where that is obvious.
            pub const fn remedy(self) -> Option<&'static str> {
                match self { $(Self::$variant => rules!(@remedy $($remedy)?),)* }
            }
        }
    };
    (@remedy) => { None };
    (@remedy $remedy:literal) => { Some($remedy) };
}

rules! {
    /// The apex has an SOA (RFC 1035, section 5.2).
    SoaMissing "soa-missing" Error "no SOA at the apex"
    /// The zone has one SOA (RFC 1035, section 5.2).
    SoaMultiple "soa-multiple" Error "more than one SOA"
    /// An SOA stands at the apex alone.
    SoaBelowApex "soa-below-apex" Error "SOA at a name that is not the apex"
    /// The apex has NS records (RFC 1034, section 4.2.1).
    NsMissing "ns-missing" Error "no NS at the apex"
    /// A name server of the zone that has a name in it has an address there.
    NsWithoutAddress "ns-without-address" Error "name server of the zone without an address in it";
        "give it an A or AAAA record, or end its name with a dot if it is elsewhere"
    /// A name server's name is no alias (RFC 2181, section 10.3).
    NsToCname "ns-to-cname" Error "name server of the zone is an alias"; "name the target of the alias"
    /// A CNAME stands alone, but for records of DNSSEC (RFC 1034, section 3.6.2; RFC 4035, section 2.5).
    CnameAndOtherData "cname-and-other-data" Error "CNAME and other data at one name"
    /// A name has one CNAME (RFC 2181, section 10.1).
    CnameMultiple "cname-multiple" Error "more than one CNAME at one name"
    /// A name has one DNAME (RFC 6672, section 2.4).
    DnameMultiple "dname-multiple" Error "more than one DNAME at one name"
    /// Nothing stands below a DNAME (RFC 6672, section 2.4).
    BelowDname "below-dname" Error "owner below a DNAME"
    /// The digest of a DS is as long as its type says.
    DigestLength "digest-length" Error "digest that is not as long as its type says"
    /// An RRset, its signatures, and the types of a name are as many as a segment counts.
    RrsetTooLarge "rrset-too-large" Error "more than 65535 records or signatures of one type, or more than 40000 types, at one name"
    /// Every owner is at or below the apex; others are left out.
    OutOfZone "out-of-zone" Warning "owner outside of the zone, left out"; "a name without a final dot is completed with the origin"
    /// A record is there once; further ones are dropped.
    Duplicate "duplicate" Warning "record is there twice, one is dropped"
    /// The records of an RRset have one TTL (RFC 2181, section 5.2); where they differ, the lowest is used.
    TtlMismatch "ttl-mismatch" Warning "TTLs differ in one RRset, the lowest is used"
    /// MD and MF are obsolete (RFC 1035, sections 3.3.4 and 3.3.5).
    TypeObsolete "type-obsolete" Warning "obsolete type"; "use MX"
    /// Names are hashed again at most so often: each answer about a name that is not there pays for it (RFC 9276, section 3.1).
    Nsec3Iterations "nsec3-iterations" Error "NSEC3PARAM with more than 150 iterations"; "sign the zone with 0 iterations"
    /// A wildcard is not delegated (RFC 4592, section 4.2).
    NsAtWildcard "ns-at-wildcard" Warning "NS at a wildcard name"
    /// A DNAME at a wildcard name is not recommended (RFC 4592, section 4.4).
    DnameAtWildcard "dname-at-wildcard" Warning "DNAME at a wildcard name"
    /// A DS stands at a delegation (RFC 4035, section 2.4).
    DsWithoutNs "ds-without-ns" Warning "DS at a name that is not delegated"
    /// A name server below the cut that it serves has an address here (RFC 1034, section 4.2.1).
    GlueMissing "glue-missing" Warning "name server below its own delegation without an address here"
    /// An address at or below a cut is that of a name server.
    GlueSuperfluous "glue-superfluous" Warning "address below a delegation that no name server has"
    /// Records at or below a cut are those of the other side (RFC 1034, section 4.2.1).
    BelowCut "below-cut" Warning "record at or below a delegation that is never an answer"
    /// A name server of a delegation that has a name in this zone has an address in it.
    DelegationToNothing "delegation-to-nothing" Warning "name server of a delegation without an address in this zone"
    /// A name server's name is no alias (RFC 2181, section 10.3).
    DelegationToCname "delegation-to-cname" Warning "name server of a delegation is an alias"
    /// A mail exchange is no alias (RFC 2181, section 10.3).
    MxToCname "mx-to-cname" Warning "mail exchange is an alias"
    /// The target of an SRV is no alias (RFC 2782).
    SrvToCname "srv-to-cname" Warning "server of a service is an alias"
    /// A signed zone has keys (RFC 4035, section 2.1).
    DnskeyMissing "dnskey-missing" Warning "signed zone without DNSKEY"
    /// Every authoritative RRset of a signed zone is signed (RFC 4035, section 2.2).
    RrsigMissing "rrsig-missing" Warning "RRset without a signature"
    /// A signature covers an RRset that is there.
    RrsigSuperfluous "rrsig-superfluous" Warning "signature of an RRset that is not there, or is not authoritative"
    /// A signature has not expired.
    RrsigExpired "rrsig-expired" Warning "signature has expired"; "sign the zone again"
    /// A signature's time has begun.
    RrsigNotYetValid "rrsig-not-yet-valid" Warning "signature is not valid yet"
    /// A signature was made by a key of the zone (RFC 4035, section 2.2).
    RrsigUnknownKey "rrsig-unknown-key" Warning "signature by a key that is not in the zone"
    /// A signature counts its owner's labels (RFC 4034, section 3.1.3).
    RrsigLabels "rrsig-labels" Warning "signature with another number of labels than its owner"
    /// Every authoritative name of a zone with an NSEC chain has one (RFC 4035, section 2.3).
    NsecMissing "nsec-missing" Warning "authoritative name without NSEC"
    /// The NSEC chain is complete, ordered and closed (RFC 4034, section 4.1.1).
    NsecChain "nsec-chain" Warning "NSEC with another next name than the next there is"
    /// An NSEC lists the types of its owner (RFC 4034, section 4.1.2).
    NsecTypes "nsec-types" Warning "NSEC with other types than its owner has"
    /// A name has one NSEC.
    NsecMultiple "nsec-multiple" Warning "more than one NSEC at one name"
    /// A zone with an NSEC3 chain has one NSEC3PARAM with its parameters (RFC 5155, section 4).
    Nsec3Parameters "nsec3-parameters" Warning "NSEC3 without an NSEC3PARAM of its parameters"
    /// Every authoritative name of a zone with an NSEC3 chain has one, but for opt-out (RFC 5155, section 7.1).
    Nsec3Missing "nsec3-missing" Warning "authoritative name without NSEC3"
    /// The NSEC3 chain is complete, ordered and closed (RFC 5155, section 7.1).
    Nsec3Chain "nsec3-chain" Warning "NSEC3 with another next hash than the next there is"
    /// An NSEC3 lists the types of the name that it stands for (RFC 5155, section 3.1.8).
    Nsec3Types "nsec3-types" Warning "NSEC3 with other types than the name that it stands for"
    /// An NSEC3 stands for a name of the zone.
    Nsec3Superfluous "nsec3-superfluous" Warning "NSEC3 whose hash is that of no authoritative name"
    /// A zone whose digest is to be verified has one (RFC 8976, section 4).
    ZonemdMissing "zonemd-missing" Error "no ZONEMD at the apex to verify"
    /// A ZONEMD is of this serial (RFC 8976, section 4).
    ZonemdSerial "zonemd-serial" Error "ZONEMD of another serial than the SOA's"
    /// A ZONEMD has a scheme and an algorithm that are known: SIMPLE with SHA-384 or SHA-512, once each (RFC 8976, section 4).
    ZonemdUnsupported "zonemd-unsupported" Error "no ZONEMD of a known scheme and algorithm, or one of them twice"
    /// The digest agrees with the zone (RFC 8976, section 4).
    ZonemdMismatch "zonemd-mismatch" Error "ZONEMD does not agree with the zone"
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
