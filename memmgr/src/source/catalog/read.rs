//! What the records of a catalog zone say: [`Catalog::read`].

use std::collections::BTreeMap;
use std::fmt;

use dns::types::Rtype;
use zone_segment::{Name, NameRef};

/// What a catalog zone says, by member zone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Catalog {
    /// Its members.
    pub(crate) members: BTreeMap<Name, Member>,
}

/// A member zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Member {
    /// The label that stands for it in the catalog. With another one it is another zone of the same name (RFC 9432, section 5.4).
    pub(crate) label: Box<[u8]>,
    /// The groups that it is in (RFC 9432, section 4.3.2), in the order of their octets; each stands for options that consumer and producer agree on.
    pub(crate) groups: Vec<Box<[u8]>>,
    /// The catalog zone that may take it over (RFC 9432, section 4.3.1).
    pub(crate) successor: Option<Name>,
}

impl Catalog {
    /// Reads the records of a catalog zone, in any order. What it does not know is left alone, as RFC 9432, section 4.4 asks.
    ///
    /// # Errors
    ///
    /// [`Broken`]: nothing of the catalog may be used (RFC 9432, section 5.1), so members stay as they were.
    pub(crate) fn read<'r>(
        apex: &Name,
        records: impl IntoIterator<Item = (NameRef<'r>, Rtype, &'r [u8])>,
    ) -> Result<Catalog, Broken> {
        let mut found = Found::default();
        for (owner, rtype, rdata) in records {
            found.take(apex, owner, rtype, rdata)?;
        }
        found.finish()
    }
}

/// What has been read of a member.
#[derive(Default)]
struct Node {
    /// The zones that its PTR records name.
    zone: Option<Name>,
    /// What `group` says.
    groups: Vec<Box<[u8]>>,
    /// What `coo` says.
    successor: Option<Name>,
}

/// What has been read.
#[derive(Default)]
struct Found {
    /// The version, if there was one.
    version: Option<Box<[u8]>>,
    /// Nodes by their label, letters folded.
    nodes: BTreeMap<Box<[u8]>, Node>,
}

impl Found {
    /// Takes a record.
    fn take(&mut self, apex: &Name, owner: NameRef<'_>, rtype: Rtype, rdata: &[u8]) -> Result<(), Broken> {
        let folded = owner.to_name().to_lowercase();
        let Some(depth) = folded.label_count().checked_sub(apex.label_count()) else { return Ok(()) };
        if !folded.is_at_or_below(apex.as_ref()) {
            return Ok(());
        }
        let labels: Vec<&[u8]> = folded.as_ref().labels().take(depth).collect();
        match labels[..] {
            [b"version"] if rtype == Rtype::TXT => match self.version.replace(rdata.into()) {
                Some(_) => Err(Broken::VersionTwice),
                None => Ok(()),
            },
            [label, b"zones"] if rtype == Rtype::PTR => {
                let zone = target(&folded, rdata)?;
                match self.node(label).zone.replace(zone) {
                    Some(_) => Err(Broken::ZoneTwice { owner: folded.clone() }),
                    None => Ok(()),
                }
            }
            [b"coo", label, b"zones"] if rtype == Rtype::PTR => {
                let successor = target(&folded, rdata)?;
                match self.node(label).successor.replace(successor) {
                    Some(_) => Err(Broken::SuccessorTwice { owner: folded.clone() }),
                    None => Ok(()),
                }
            }
            [b"group", label, b"zones"] if rtype == Rtype::TXT => {
                let text = text(rdata).ok_or_else(|| Broken::Malformed { owner: folded.clone(), rtype })?;
                self.node(label).groups.push(text);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// The node of a label.
    fn node(&mut self, label: &[u8]) -> &mut Node {
        self.nodes.entry(label.into()).or_default()
    }

    /// What it comes to.
    fn finish(self) -> Result<Catalog, Broken> {
        match self.version.as_deref().map(text) {
            None => return Err(Broken::NoVersion),
            Some(Some(version)) if *version == *VERSION => {}
            Some(version) => {
                let found = version.unwrap_or_default();
                return Err(Broken::Version { found: String::from_utf8_lossy(&found).into_owned() });
            }
        }
        let mut members: BTreeMap<Name, Member> = BTreeMap::new();
        for (label, Node { zone, mut groups, successor }) in self.nodes {
            // Properties of what is no member say nothing.
            let Some(zone) = zone else { continue };
            groups.sort();
            if members.insert(zone.clone(), Member { label, groups, successor }).is_some() {
                return Err(Broken::MemberTwice { zone });
            }
            if members.len() > MEMBERS_MAX {
                return Err(Broken::TooMany);
            }
        }
        Ok(Catalog { members })
    }
}

/// The name that a PTR record leads to, letters folded.
fn target(owner: &Name, rdata: &[u8]) -> Result<Name, Broken> {
    let name = Name::from_wire(rdata).map_err(|_| Broken::Malformed { owner: owner.clone(), rtype: Rtype::PTR })?;
    Ok(name.to_lowercase())
}

/// The text of a TXT record, its strings behind one another.
pub(super) fn text(rdata: &[u8]) -> Option<Box<[u8]>> {
    let (mut text, mut rest) = (Vec::with_capacity(rdata.len()), rdata);
    while let Some((length, behind)) = rest.split_first() {
        let (string, behind) = behind.split_at_checked(usize::from(*length))?;
        text.extend(string);
        rest = behind;
    }
    Some(text.into())
}

/// The version of the schema that is known (RFC 9432, section 4.2.1).
pub(super) const VERSION: &[u8] = b"2";

/// Members of one catalog. As many zones as one server is meant for; a catalog beyond it is a mistake or an attack.
const MEMBERS_MAX: usize = 4_000_000;

/// A catalog zone that is not to be used.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub(crate) enum Broken {
    /// There is no version.
    NoVersion,
    /// There is more than one.
    VersionTwice,
    /// It is one that is not known.
    Version {
        /// What it is.
        found: String,
    },
    /// A member has more than one PTR record.
    ZoneTwice {
        /// Its node.
        owner: Name,
    },
    /// A zone is a member twice.
    MemberTwice {
        /// The zone.
        zone: Name,
    },
    /// A member has more than one successor of its catalog.
    SuccessorTwice {
        /// The owner.
        owner: Name,
    },
    /// RDATA that is not what its type asks for.
    Malformed {
        /// The owner.
        owner: Name,
        /// The type.
        rtype: Rtype,
    },
    /// There are more members than are taken.
    TooMany,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoVersion => write!(f, "expected one TXT record at `version`, found none: this is no catalog zone"),
            Self::VersionTwice => write!(f, "expected one TXT record at `version`, found several"),
            Self::Version { found } => write!(f, "expected version \"2\" of the schema (RFC 9432), found {found:?}"),
            Self::ZoneTwice { owner } => write!(f, "{owner}: expected one PTR record, found several"),
            Self::MemberTwice { zone } => write!(f, "zone {zone} is a member under two labels; expected one"),
            Self::SuccessorTwice { owner } => write!(f, "{owner}: expected one PTR record, found several"),
            Self::Malformed { owner, rtype } => write!(f, "{owner} {rtype}: RDATA is malformed"),
            Self::TooMany => write!(f, "more than {MEMBERS_MAX} members; split the catalog"),
        }
    }
}

impl std::error::Error for Broken {}

#[cfg(test)]
mod tests {
    use super::*;

    /// A name.
    fn name(text: &str) -> Name {
        text.parse().unwrap()
    }

    /// A record of the catalog `catalog.test.`, from an owner before the apex, a type and a value.
    fn record((owner, value): &(&str, &str)) -> (Name, Rtype, Vec<u8>) {
        let owner = name(&format!("{owner}catalog.test."));
        match value.strip_prefix("PTR ") {
            Some(target) => (owner, Rtype::PTR, name(target).as_wire().to_vec()),
            None => (owner, Rtype::TXT, [&[value.len() as u8], value.as_bytes()].concat()),
        }
    }

    /// What records come to.
    fn read(records: &[(&str, &str)]) -> Result<Catalog, Broken> {
        let records: Vec<_> = records.iter().map(record).collect();
        let of = records.iter().map(|(owner, rtype, rdata)| (owner.as_ref(), *rtype, &rdata[..]));
        Catalog::read(&name("catalog.test."), of)
    }

    #[test]
    fn members_and_their_properties_are_read() {
        let catalog = read(&[
            ("VERSION.", "2"),
            ("a.zones.", "PTR One.test."),
            ("group.A.Zones.", "signed"),
            ("group.a.zones.", "fast"),
            ("coo.a.zones.", "PTR other.test."),
            ("b.zones.", "PTR two.test."),
            // Not known, or of no member: left alone.
            ("key.ext.b.zones.", "value"),
            ("group.c.zones.", "nobody"),
            ("x.y.b.zones.", "PTR three.test."),
            ("", "apex"),
        ])
        .unwrap();
        let names: Vec<String> = catalog.members.keys().map(ToString::to_string).collect();
        assert_eq!(names, ["one.test.", "two.test."]);
        let one = &catalog.members[&name("one.test.")];
        assert_eq!(one.groups, [Box::from(*b"fast"), Box::from(*b"signed")]);
        assert_eq!((&one.label[..], &one.successor), (&b"a"[..], &Some(name("other.test."))));
    }

    #[test]
    fn a_broken_catalog_is_told_apart() {
        let good = [("version.", "2"), ("a.zones.", "PTR one.test.")];
        let with = |more: &[(&'static str, &'static str)]| read(&[&good[..], more].concat()).unwrap_err();
        assert_eq!(read(&good[1..]), Err(Broken::NoVersion));
        assert_eq!(with(&[("version.", "2")]), Broken::VersionTwice);
        assert_eq!(read(&[("version.", "1")]), Err(Broken::Version { found: "1".to_owned() }));
        assert_eq!(with(&[("A.zones.", "PTR two.test.")]), Broken::ZoneTwice { owner: name("a.zones.catalog.test.") });
        assert_eq!(with(&[("b.zones.", "PTR ONE.test.")]), Broken::MemberTwice { zone: name("one.test.") });
        let twice = [("coo.a.zones.", "PTR x.test."), ("coo.a.zones.", "PTR y.test.")];
        assert_eq!(with(&twice), Broken::SuccessorTwice { owner: name("coo.a.zones.catalog.test.") });
    }
}
