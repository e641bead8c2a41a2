//! Zones with a policy of their own: `[[template]]` and `[[zone]]`, which have the same keys, and the rules of updates in them.

use dns::access::{AccessEntry, AccessError, Prefix, PrefixError};
use dns::types::Rtype;
use zone_segment::Name;

use super::values::{domain_name, shown, size_within};
use crate::declaration::{Declaration, Key, Kind, Opt, Preset};
use crate::policy::{NamePattern, NamePatternError};

/// The name of a template.
pub const TEMPLATE_NAME: Opt<String> = Opt {
    declaration: Declaration {
        name: None,
        key: Some(Key { table: "template", key: "name" }),
        kind: Kind::Text,
        value: "NAME",
        preset: Preset::Needed,
        range: "1 to 255 octets of text",
        many: false,
        help: "What the template is called in this file",
    },
    parse: shown,
};

/// The name of a zone.
pub const ZONE_NAME: Opt<Name> = Opt {
    declaration: Declaration {
        name: None,
        key: Some(Key { table: "zone", key: "name" }),
        kind: Kind::Text,
        value: "NAME",
        preset: Preset::Needed,
        range: "a domain name",
        many: false,
        help: "The zone's apex",
    },
    parse: domain_name,
};

/// The template of a zone.
pub const ZONE_TEMPLATE: Opt<String> = Opt {
    declaration: Declaration {
        name: None,
        key: Some(Key { table: "zone", key: "template" }),
        kind: Kind::Text,
        value: "NAME",
        preset: Preset::Nothing,
        range: "the name of a [[template]]",
        many: false,
        help: "Take from this template what the zone does not say itself",
    },
    parse: shown,
};

/// What a zone that is a catalog is for.
pub const ZONE_CATALOG_ROLE: Opt<CatalogKind> = Opt {
    declaration: Declaration {
        range: "interpret or generate",
        value: "ROLE",
        many: false,
        ..text(
            "zone",
            "catalog-role",
            "Make it a catalog zone (RFC 9432): interpret has its members served as secondary zones, generate has it list zones of ours",
        )
    },
    parse: |text| match text {
        "interpret" => Ok(CatalogKind::Interpret),
        "generate" => Ok(CatalogKind::Generate),
        _ => Err(format!("expected interpret or generate, found {text:?}")),
    },
};

/// What the members of a catalog are served by.
pub const ZONE_CATALOG_TEMPLATE: Opt<String> = Opt {
    declaration: Declaration {
        range: "the name of a [[template]]",
        value: "NAME",
        ..text(
            "zone",
            "catalog-template",
            "Serve the catalog's members by these templates: by the one that is called as a member's group is, or else by the first",
        )
    },
    parse: shown,
};

/// What a catalog is for, as it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CatalogKind {
    /// It says which zones are served.
    Interpret,
    /// It is made from what is served.
    Generate,
}

/// The keys that a template has.
pub const TEMPLATE: PolicyOptions = PolicyOptions::of("template");

/// The same keys of a zone.
pub const ZONE: PolicyOptions = PolicyOptions::of("zone");

/// What a rule of a template's updates has.
pub const TEMPLATE_UPDATE: UpdateOptions = UpdateOptions::of("template.allow-update");

/// The same of a zone's updates.
pub const ZONE_UPDATE: UpdateOptions = UpdateOptions::of("zone.allow-update");

/// What a template and a zone both have.
#[derive(Clone, Debug)]
pub struct PolicyOptions {
    /// Where the zone comes from.
    pub primaries: Opt<String>,
    /// Who may transfer it.
    pub allow_transfer: Opt<AccessEntry>,
    /// Who is told of its changes.
    pub notify: Opt<String>,
    /// Who may tell of changes.
    pub allow_notify: Opt<AccessEntry>,
    /// How much of it is taken.
    pub size_max: Opt<u64>,
    /// The catalog that lists it.
    pub catalog_zone: Opt<Name>,
    /// Its group there.
    pub catalog_group: Opt<String>,
}

impl PolicyOptions {
    /// Those of a table.
    const fn of(table: &'static str) -> Self {
        let size_max = Declaration {
            range: "64KiB to 1024GiB",
            value: "SIZE",
            preset: Preset::Value("16GiB"),
            many: false,
            ..text(table, "size-max", "Take no more octets of names and data than this from primaries")
        };
        let catalog_zone = Declaration {
            range: "the name of a [[zone]] whose catalog-role is generate",
            value: "NAME",
            many: false,
            ..text(table, "catalog-zone", "List the zone in this catalog zone (RFC 9432)")
        };
        let catalog_group = Declaration {
            range: "1 to 255 octets of text",
            value: "GROUP",
            many: false,
            ..text(table, "catalog-group", "Give the zone this group in the catalog zone that lists it")
        };
        Self {
            size_max: Opt { declaration: size_max, parse: |text| size_within(text, 1 << 16, 1 << 40) },
            catalog_zone: Opt { declaration: catalog_zone, parse: domain_name },
            catalog_group: Opt { declaration: catalog_group, parse: shown },
            primaries: remotes(
                table,
                "primaries",
                "Take the zone from these servers, asked in this order: that makes it a secondary zone",
            ),
            allow_transfer: access(
                table,
                "allow-transfer",
                "Let these transfer the zone, instead of those of [transfers] allow",
            ),
            notify: remotes(
                table,
                "notify",
                "Tell these servers of every change, instead of those of [transfers] notify",
            ),
            allow_notify: Opt {
                declaration: Declaration {
                    range: "an address, a prefix, key:NAME, a prefix and key:NAME where both are needed, or any",
                    value: "ENTRY",
                    ..text(
                        table,
                        "allow-notify",
                        "Take word of changes (RFC 1996) from these too, besides the addresses of the primaries",
                    )
                },
                parse: without_tls,
            },
        }
    }
}

/// What a rule of updates has.
#[derive(Clone, Debug)]
pub struct UpdateOptions {
    /// The key that an update is signed with.
    pub key: Opt<Name>,
    /// Where it comes from.
    pub from: Opt<Prefix>,
    /// The names that it may change.
    pub names: Opt<NamePattern>,
    /// The types that it may change.
    pub types: Opt<Rtype>,
}

impl UpdateOptions {
    /// Those of a table.
    const fn of(table: &'static str) -> Self {
        let key = Declaration {
            range: "the name of a [[key]]",
            value: "NAME",
            many: false,
            ..text(table, "key", "Take updates (RFC 2136) that are signed with this key")
        };
        let from = Declaration {
            range: "an address, or one with the bits of its prefix",
            value: "ADDRESS/BITS",
            ..text(table, "from", "Take updates from these addresses; with a key beside, both are needed")
        };
        let names = Declaration {
            range: "a name, or *.NAME for all below it",
            value: "NAME",
            ..text(table, "names", "Let nothing but these names be changed; without it, every name of the zone")
        };
        let types = Declaration {
            range: "a record type",
            value: "TYPE",
            ..text(table, "types", "Let nothing but records of these types be changed; without it, every type")
        };
        Self {
            key: Opt { declaration: key, parse: domain_name },
            from: Opt { declaration: from, parse: |text| text.parse().map_err(|error: PrefixError| error.to_string()) },
            names: Opt {
                declaration: names,
                parse: |text| text.parse().map_err(|error: NamePatternError| error.to_string()),
            },
            types: Opt { declaration: types, parse: record_type },
        }
    }
}

/// A key of text values, of which there may be several.
const fn text(table: &'static str, key: &'static str, help: &'static str) -> Declaration {
    Declaration {
        name: None,
        key: Some(Key { table, key }),
        kind: Kind::Text,
        value: "TEXT",
        preset: Preset::Nothing,
        range: "text",
        many: true,
        help,
    }
}

/// A key whose values name other servers.
const fn remotes(table: &'static str, key: &'static str, help: &'static str) -> Opt<String> {
    let declaration = Declaration { range: "the name of a [[remote]]", value: "REMOTE", ..text(table, key, help) };
    Opt { declaration, parse: shown }
}

/// A key whose values are entries of an access list.
const fn access(table: &'static str, key: &'static str, help: &'static str) -> Opt<AccessEntry> {
    let range = "an address, a prefix, key:NAME, a prefix and key:NAME where both are needed, or any; with tls behind it where that is needed too";
    let declaration = Declaration { range, value: "ENTRY", ..text(table, key, help) };
    Opt { declaration, parse: |text| text.parse().map_err(|error: AccessError| error.to_string()) }
}

/// An entry for what comes over UDP as well.
fn without_tls(text: &str) -> Result<AccessEntry, String> {
    let entry: AccessEntry = text.parse().map_err(|error: AccessError| error.to_string())?;
    if entry.needs_tls() {
        return Err(format!("expected an entry without tls, over which nobody tells of changes, found {text:?}"));
    }
    Ok(entry)
}

/// A type that records of a zone may have.
fn record_type(text: &str) -> Result<Rtype, String> {
    match text.parse::<Rtype>() {
        Ok(rtype) if !rtype.is_meta() => Ok(rtype),
        _ => Err(format!("expected the type of records, such as A or TYPE65280, found {text:?}")),
    }
}
