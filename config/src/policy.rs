//! Who may have a zone, who is told of its changes, who may change it, and where it comes from.
//!
//! Read [`Zones`] first: it gives each zone its [`ZonePolicy`].

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use dns::access::AccessList;
use dns::types::Rtype;
use serde::{Deserialize, Serialize};
use zone_segment::{Name, NameRef};

/// The policy of each zone. By default nobody may do anything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Zones {
    /// Policies, each shared by the zones that have it.
    policies: Vec<ZonePolicy>,
    /// The zones that the configuration names, and which of the policies each has.
    #[serde(with = "crate::as_text::map")]
    by_name: BTreeMap<Name, usize>,
    /// What every other zone has.
    default: ZonePolicy,
    /// The templates by which members of catalogs are served, and which of the policies each has.
    templates: BTreeMap<String, usize>,
}

impl Zones {
    /// Every zone has this policy.
    pub fn all(policy: ZonePolicy) -> Self {
        Self { default: policy, ..Self::default() }
    }

    /// What stands without a configuration file: this machine itself may have every zone, nobody else any.
    pub fn without_file() -> Self {
        let allow_transfer = LOOPBACK.iter().filter_map(|prefix| prefix.parse().ok()).collect();
        Self::all(ZonePolicy { allow_transfer, ..ZonePolicy::default() })
    }

    /// Gives a zone a policy of its own, in place of the one it has. Zones of equal policies share one.
    pub fn set(&mut self, apex: Name, policy: ZonePolicy) {
        let index = self.index(policy);
        self.by_name.insert(apex, index);
    }

    /// Says what a template stands for by itself.
    pub fn set_template(&mut self, name: String, policy: ZonePolicy) {
        let index = self.index(policy);
        self.templates.insert(name, index);
    }

    /// The place of a policy, which may be there already.
    fn index(&mut self, policy: ZonePolicy) -> usize {
        self.policies.iter().position(|known| *known == policy).unwrap_or_else(|| {
            self.policies.push(policy);
            self.policies.len() - 1
        })
    }

    /// What a template stands for by itself.
    pub fn template(&self, name: &str) -> Option<&ZonePolicy> {
        self.policies.get(*self.templates.get(name)?)
    }

    /// Whether the configuration names a zone.
    pub fn names(&self, apex: NameRef<'_>) -> bool {
        self.by_name.contains_key(&apex.to_name())
    }

    /// A zone's policy.
    pub fn policy(&self, apex: NameRef<'_>) -> &ZonePolicy {
        let own = self.by_name.get(&apex.to_name()).and_then(|index| self.policies.get(*index));
        own.unwrap_or(&self.default)
    }

    /// Whether any zone can have a policy of which this is so.
    pub fn any(&self, is_so: impl Fn(&ZonePolicy) -> bool) -> bool {
        self.policies.iter().chain([&self.default]).any(is_so)
    }

    /// The zones that the configuration names, with their policies, in canonical order.
    pub fn named(&self) -> impl Iterator<Item = (&Name, &ZonePolicy)> {
        self.by_name.iter().filter_map(|(apex, index)| Some((apex, self.policies.get(*index)?)))
    }
}

/// What is to be known of a zone but its data.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ZonePolicy {
    /// Who may transfer it.
    pub allow_transfer: AccessList,
    /// Remotes that are told when it changes, by their names in the configuration.
    pub notify: Vec<String>,
    /// Remotes that it comes from, by their names in the configuration, in the order in which they are asked. It is a secondary zone if
    /// there are any.
    pub primaries: Vec<String>,
    /// Who may tell that it changed, besides its primaries.
    pub allow_notify: AccessList,
    /// Who may change what of it by dynamic updates.
    pub allow_update: Vec<UpdateRule>,
    /// How many octets of names and data are taken from primaries at the most; none for as many as can be stored.
    pub size_max: Option<u64>,
    /// What it says of other zones, where it is a catalog (RFC 9432).
    pub catalog: Option<Catalog>,
    /// The catalog that lists it, which is made here.
    #[serde(with = "crate::as_text::option")]
    pub catalog_zone: Option<Name>,
    /// Its group there.
    pub catalog_group: Option<String>,
}

/// What a catalog zone is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Catalog {
    /// Its members are served, by the template that is called as a member's group is, or else by the first of these.
    Interpret {
        /// Their names.
        templates: Vec<String>,
    },
    /// It lists the zones whose policy names it.
    Generate,
}

impl ZonePolicy {
    /// Whether it is a catalog that is made here.
    pub fn is_generated(&self) -> bool {
        self.catalog == Some(Catalog::Generate)
    }

    /// Whether the zone comes from another server.
    pub fn is_secondary(&self) -> bool {
        !self.primaries.is_empty()
    }
}

/// Somebody who may change something by dynamic updates (RFC 2136).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpdateRule {
    /// Who.
    pub who: AccessList,
    /// The names that may be changed; none for every name of the zone.
    #[serde(with = "crate::as_text::list")]
    pub names: Vec<NamePattern>,
    /// The types that may be changed; none for every type.
    #[serde(with = "crate::as_text::list")]
    pub types: Vec<Rtype>,
}

impl UpdateRule {
    /// Whether it is about this asker.
    pub fn is_about(&self, address: IpAddr, key: Option<&Name>) -> bool {
        self.who.allows(address, key)
    }

    /// Whether records of this owner and type may be changed by who it is about. ANY, which an update has to delete all RRsets of a name,
    /// may be where every type may.
    pub fn covers(&self, owner: NameRef<'_>, rtype: Rtype) -> bool {
        (self.names.is_empty() || self.names.iter().any(|pattern| pattern.matches(owner)))
            && (self.types.is_empty() || self.types.contains(&rtype))
    }
}

/// Names: one alone, or `*.NAME` for all below it. The wildcard itself, and nothing else, is `\*.NAME`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamePattern {
    /// The name itself, or the one above all that match.
    name: Name,
    /// Whether it is about what is below.
    is_below: bool,
}

impl NamePattern {
    /// Whether it is about this name.
    pub fn matches(&self, name: NameRef<'_>) -> bool {
        match self.is_below {
            true => name.is_at_or_below(self.name.as_ref()) && name != self.name.as_ref(),
            false => name == self.name.as_ref(),
        }
    }
}

impl FromStr for NamePattern {
    type Err = NamePatternError;

    fn from_str(text: &str) -> Result<Self, NamePatternError> {
        let error = |reason: String| NamePatternError { found: text.to_owned(), reason };
        let (name, is_below) = match text.strip_prefix("*.") {
            Some("") => (".", true),
            Some(above) => (above, true),
            None => (text, false),
        };
        let name = name.parse().map_err(|reason: zone_segment::NameError| error(reason.to_string()))?;
        Ok(Self { name, is_below })
    }
}

impl fmt::Display for NamePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.is_below, self.name.is_root()) {
            (true, true) => f.write_str("*."),
            (true, false) => write!(f, "*.{}", self.name),
            (false, _) => match self.name.to_string() {
                // It would come back as all that is below.
                name if name.starts_with("*.") => write!(f, "\\{name}"),
                name => f.write_str(&name),
            },
        }
    }
}

/// A text that is no pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NamePatternError {
    /// The text as given.
    pub found: String,
    /// What is wrong with the name in it.
    pub reason: String,
}

impl fmt::Display for NamePatternError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expected a name, or *.NAME for all below it, found {:?} ({})", self.found, self.reason)
    }
}

impl std::error::Error for NamePatternError {}

/// This machine itself.
const LOOPBACK: [&str; 2] = ["127.0.0.0/8", "::1"];

#[cfg(test)]
mod tests {
    use super::*;

    /// A name.
    fn name(text: &str) -> Name {
        text.parse().unwrap()
    }

    /// A policy that names a remote, by which it is told from others.
    fn told(remote: &str) -> ZonePolicy {
        ZonePolicy { notify: vec![remote.to_owned()], ..ZonePolicy::default() }
    }

    #[test]
    fn zones_without_a_policy_of_their_own_have_the_default() {
        let mut zones = Zones::all(told("all"));
        zones.set(name("a.example."), told("one"));
        zones.set(name("b.example."), told("one"));
        zones.set(name("c.example."), told("all"));
        assert_eq!(zones.policies.len(), 2, "equal policies are one");
        for (apex, remote) in [("A.Example.", "one"), ("b.example.", "one"), ("c.example.", "all"), ("d.", "all")] {
            assert_eq!(zones.policy(name(apex).as_ref()), &told(remote), "{apex}");
        }
        assert_eq!(zones.named().count(), 3);
        let json = serde_json::to_string(&zones).unwrap();
        assert_eq!(serde_json::from_str::<Zones>(&json).unwrap(), zones);
    }

    #[test]
    fn nobody_is_the_default_and_loopback_what_stands_without_a_file() {
        let own = "127.0.0.1".parse().unwrap();
        assert!(!Zones::default().policy(NameRef::ROOT).allow_transfer.allows(own, None));
        let open = Zones::without_file();
        let policy = open.policy(NameRef::ROOT);
        for (from, expected) in [("127.9.9.9", true), ("::1", true), ("::2", false), ("10.0.0.1", false)] {
            assert_eq!(policy.allow_transfer.allows(from.parse().unwrap(), None), expected, "{from}");
        }
        assert!(policy.allow_update.is_empty() && !policy.is_secondary());
    }

    #[test]
    fn patterns_are_a_name_or_all_below_it() {
        let cases = [
            ("a.example.", "A.example.", true),
            ("a.example.", "b.a.example.", false),
            ("*.a.example", "c.b.a.example.", true),
            ("*.a.example.", "a.example.", false),
            ("*.a.example.", "ba.example.", false),
            ("*.", "example.", true),
            ("*.", ".", false),
            // A wildcard is a name as any other: below its parent, or meant alone.
            ("*.a.example.", "*.a.example.", true),
            ("\\*.a.example.", "*.a.example.", true),
            ("\\042.a.example.", "*.a.example.", true),
            ("\\*.a.example.", "b.a.example.", false),
            ("\\*.a.example.", "b.*.a.example.", false),
            ("\\*.", "*.", true),
            ("\\*.", "b.", false),
            ("a\\.b.example.", "a\\.b.example.", true),
            ("a\\.b.example.", "a.b.example.", false),
            ("\\*a.example.", "b.example.", false),
        ];
        for (text, owner, expected) in cases {
            let pattern: NamePattern = text.parse().unwrap();
            // As memmgr gets it.
            let again: NamePattern = pattern.to_string().parse().unwrap();
            assert_eq!(again.matches(name(owner).as_ref()), expected, "{owner} by {text} that was written");
            assert_eq!(pattern.matches(name(owner).as_ref()), expected, "{owner} by {pattern}");
            assert_eq!(pattern.to_string().parse(), Ok(pattern));
        }
        assert!("a..b".parse::<NamePattern>().unwrap_err().to_string().contains("*.NAME"));
    }

    #[test]
    fn rules_are_about_askers_names_and_types() {
        let rule = UpdateRule {
            who: ["key:ddns."].iter().map(|entry| entry.parse().unwrap()).collect(),
            names: vec!["*.dyn.example.".parse().unwrap()],
            types: vec![Rtype::A, Rtype::AAAA],
        };
        let key = name("ddns.");
        let from = "192.0.2.1".parse().unwrap();
        assert!(rule.is_about(from, Some(&key)) && !rule.is_about(from, None));
        assert!(rule.covers(name("x.dyn.example.").as_ref(), Rtype::A));
        assert!(!rule.covers(name("x.dyn.example.").as_ref(), Rtype::TXT));
        assert!(!rule.covers(name("dyn.example.").as_ref(), Rtype::A));
        let open = UpdateRule { names: Vec::new(), types: Vec::new(), ..rule.clone() };
        assert!(open.covers(name("dyn.example.").as_ref(), Rtype::ANY));
        for rule in [rule, open] {
            let json = serde_json::to_string(&rule).unwrap();
            assert_eq!(serde_json::from_str::<UpdateRule>(&json).unwrap(), rule);
        }
    }
}
