//! Keys, remotes, templates and zones: what they come to, and what is wrong with them.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;

use dns::tsig::Algorithm;
use dns::types::Rtype;
use zone_segment::Name;

use super::super::*;
use crate::policy::{Catalog, ZonePolicy};

/// A sound secret.
const SECRET: &str = "c2VjcmV0IHNlY3JldCBzZWNyZXQ=\n";

/// A key and two remotes.
const PEERS: &str = "version = 1
[[key]]
name = 'xfr.example.'
secret-file = 'xfr.secret'
[[remote]]
name = 'primary'
addresses = ['192.0.2.1', '[2001:db8::1]:5353']
key = 'XFR.example'
[[remote]]
name = 'secondary'
addresses = '192.0.2.2'
";

/// Reads a configuration that lies in a folder with a file of a secret.
fn read(text: &str, secret: &str, mode: u32) -> Result<File, Vec<String>> {
    let directory = tempfile::tempdir().unwrap();
    let (config, file) = (directory.path().join("t.toml"), directory.path().join("xfr.secret"));
    std::fs::write(&config, text).unwrap();
    std::fs::write(&file, secret).unwrap();
    std::fs::set_permissions(&file, Permissions::from_mode(mode)).unwrap();
    let folder = format!("{}/", directory.path().display());
    let line = |error: &FileError| error.to_string().replace(&folder, "");
    File::read(&config).map_err(|errors| errors.iter().map(line).collect())
}

/// Reads a key, two remotes and what else there is.
fn with_peers(further: &str) -> File {
    read(&format!("{PEERS}{further}"), SECRET, 0o600).unwrap_or_else(|errors| panic!("{errors:#?}"))
}

/// What is wrong with what stands behind a key and two remotes, which are 11 lines.
fn errors(further: &str) -> Vec<String> {
    let errors = read(&format!("{PEERS}{further}"), SECRET, 0o600).unwrap_err();
    errors.iter().map(|error| error.trim_start_matches("t.toml:").to_owned()).collect()
}

/// A zone's policy.
fn policy(file: &File, apex: &str) -> ZonePolicy {
    file.policies().policy(apex.parse::<Name>().unwrap().as_ref()).clone()
}

#[test]
fn keys_and_remotes_are_taken_with_their_defaults() {
    let file = with_peers("");
    let [key] = file.keys() else { panic!("one key: {:?}", file.keys()) };
    assert_eq!((key.name.to_string().as_str(), key.algorithm), ("xfr.example.", Algorithm::HmacSha256));
    assert_eq!(key.secret.octets(), b"secret secret secret");
    let [primary, secondary] = file.remotes() else { panic!("two remotes: {:?}", file.remotes()) };
    assert_eq!(
        primary.addresses,
        ["192.0.2.1:53", "[2001:db8::1]:5353"].map(|text| text.parse::<std::net::SocketAddr>().unwrap())
    );
    assert_eq!((primary.key.as_ref(), secondary.key.as_ref()), (Some(&key.name), None));
    assert_eq!(policy(&file, "example."), ZonePolicy::default(), "nobody may do anything");
}

#[test]
fn a_zone_wins_over_its_template_and_that_over_transfers() {
    let file = with_peers(
        "[transfers]
        allow = '192.0.2.0/24'
        notify = 'secondary'
        [[template]]
        name = 'taken'
        primaries = 'primary'
        allow-transfer = ['192.0.2.7 key:xfr.example.', 'any']
        allow-notify = '192.0.2.3'
        allow-update = [ { key = 'xfr.example.' } ]
        [[zone]]
        name = 'one.example.'
        template = 'taken'
        [[zone]]
        name = 'two.example'
        template = 'taken'
        notify = []
        allow-update = [ { from = ['127.0.0.1', '::1'], key = 'xfr.example.', names = '*.dyn.two.example.', types = ['A', 'TYPE28'] } ]
        [[zone]]
        name = 'three.example.'
        allow-transfer = []
        ",
    );
    let texts = |list: &dns::access::AccessList| list.entries().iter().map(ToString::to_string).collect::<Vec<_>>();
    let one = policy(&file, "One.example.");
    assert_eq!(
        (one.primaries.as_slice(), one.notify.as_slice()),
        (&["primary".to_owned()][..], &["secondary".to_owned()][..])
    );
    assert_eq!(texts(&one.allow_transfer), ["192.0.2.7/32 key:xfr.example.", "any"]);
    assert_eq!(texts(&one.allow_notify), ["192.0.2.3/32"]);
    assert_eq!((one.allow_update.len(), texts(&one.allow_update[0].who)), (1, vec!["key:xfr.example.".to_owned()]));
    let two = policy(&file, "two.example.");
    assert!(two.is_secondary() && two.notify.is_empty());
    let [rule] = two.allow_update.as_slice() else { panic!("{two:?}") };
    assert_eq!(texts(&rule.who), ["127.0.0.1/32 key:xfr.example.", "::1/128 key:xfr.example."]);
    assert_eq!(
        (rule.names[0].to_string().as_str(), rule.types.as_slice()),
        ("*.dyn.two.example.", &[Rtype::A, Rtype::AAAA][..])
    );
    let three = policy(&file, "three.example.");
    assert!(three.allow_transfer.is_empty() && !three.is_secondary() && three.notify == ["secondary"]);
    let other = policy(&file, "four.example.");
    assert_eq!((texts(&other.allow_transfer), other.notify.len()), (vec!["192.0.2.0/24".to_owned()], 1));
    assert_eq!(file.policies().named().count(), 3);
}

#[test]
fn rules_of_updates_may_stand_as_tables_too() {
    let inline = with_peers("[[zone]]\nname = 'a.'\nallow-update = [ { from = '127.0.0.1' } ]\n");
    let tables = with_peers("[[zone]]\nname = 'a.'\n[[zone.allow-update]]\nfrom = '127.0.0.1'\n");
    assert_eq!(inline.policies(), tables.policies());
    assert_eq!(policy(&inline, "a.").allow_update.len(), 1);
}

#[test]
fn names_that_nothing_has_are_told_with_the_nearest() {
    let cases = [
        (
            "[transfers]\nnotify = ['secondry']\n",
            r#"13:11: error: expected the name of a [[remote]], found "secondry"; the nearest is "secondary""#,
        ),
        (
            "[transfers]\nallow = ['any', '::1 key:xfr.exampel.']\n",
            r#"13:17: error: expected the name of a [[key]], found "xfr.exampel."; the nearest is "xfr.example.""#,
        ),
        (
            "[[zone]]\nname = 'a.'\ntemplate = 'taken'\n",
            r#"14:12: error: expected the name of a [[template]], found "taken"; there is none, write one as [[template]]"#,
        ),
        (
            "[[template]]\nname = 't'\nprimaries = ['primary', 'x']\n",
            r#"14:25: error: expected the name of a [[remote]], found "x"; there are primary, secondary"#,
        ),
        (
            "[[zone]]\nname = 'a.'\nallow-update = [ { key = 'ddns.' } ]\n",
            r#"14:26: error: expected the name of a [[key]], found "ddns."; there are xfr.example."#,
        ),
    ];
    for (further, expected) in cases {
        assert_eq!(errors(further), [expected], "{further}");
    }
}

#[test]
fn what_stands_twice_or_is_missing_is_told_where_it_stands() {
    let cases = [
        (
            "[[remote]]\nname = 'primary'\naddresses = '::1'\n",
            r#"13:1: error: expected a name that no other [[remote]] has, found "primary" (the other is in line 6); leave one out"#,
        ),
        (
            "[[zone]]\nname = 'A.example.'\n[[zone]]\nname = 'a.Example'\n",
            r#"15:1: error: expected a name that no other [[zone]] has, found "a.example." (the other is in line 13); leave one out"#,
        ),
        (
            "[[zone]]\nnotify = 'secondary'\n",
            "12:1: error: expected name (a domain name) in [[zone]], found none; add it",
        ),
        (
            "[[remote]]\nname = 'third'\n",
            "12:1: error: expected addresses (an IP address, with a port if it is not 53) in [[remote]], found none; add it",
        ),
        (
            "[[remote]]\nname = 'third'\naddresses = []\n",
            "14:1: error: expected at least one value of addresses, found none; leave addresses out, or write one",
        ),
        (
            "[[zone]]\nname = 'a.'\nallow-update = [ { types = 'A' } ]\n",
            "14:18: error: expected key, from or both in [[zone.allow-update]], found neither; to let everybody, \
             write from = [\"0.0.0.0/0\", \"::/0\"]",
        ),
        (
            "[[zone]]\nname = 'a.'\nallow-update = [ { from = '::1', names = [] } ]\n",
            "14:34: error: expected at least one value of names, found none; leave names out, or write one",
        ),
        (
            "[[zone]]\nname = 'a.'\nallow-notify = '192.0.2.9'\n",
            "14:1: error: expected primaries with allow-notify (line 14), found none; name the servers that the zone comes from, \
             or leave allow-notify out",
        ),
        (
            "[transfers]\nconnections-max = 5\nconnections-per-client-max = 6\n",
            "14:1: error: expected connections-per-client-max up to connections-max, found 6 (line 14) and 5 (line 13); \
             lower the first or raise the second",
        ),
    ];
    for (further, expected) in cases {
        assert_eq!(errors(further), [expected], "{further}");
    }
}

#[test]
fn what_was_refused_is_not_missed_too() {
    let cases = [
        (
            "[[remote]]\nname = 3\naddresses = '::1'\n[transfers]\nnotify = 'third'\n",
            "13:8: error: expected text in quotes",
        ),
        ("[[zone]]\nname = 'a..b'\n", "13:8: error: expected a domain name, found \"a..b\""),
        ("[[remote]]\nname = 'third'\naddresses = ['localhost']\n", "14:14: error: expected ADDRESS or ADDRESS:PORT"),
        ("[[zone]]\nname = 'a.'\nallow-update = [ { key = 'a..b' } ]\n", "14:26: error: expected a domain name"),
        (
            "[[zone]]\nname = 'a.'\nallow-update = [ { from = '::1', types = ['ANY'] } ]\n",
            "14:43: error: expected the type of records",
        ),
        ("[[zone]]\nname = 'a.'\nallow-transfer = 'localhost'\n", "14:18: error: expected PREFIX, key:NAME"),
        (
            "[[zone]]\nname = 'a.'\nprimaries = 'primary'\nallow-notify = 'any tls'\n",
            "15:16: error: expected an entry without tls",
        ),
    ];
    for (further, says) in cases {
        let found = errors(further);
        assert!(found.len() == 1 && found[0].starts_with(says), "{further}: {found:?}");
    }
}

#[test]
fn tables_of_the_wrong_kind_are_told_how_to_be_written() {
    let cases = [
        (
            "[zone]\nname = 'a.'\n",
            "12:2: error: expected the table [[zone]], found a table; put two brackets around its name",
        ),
        ("[[transfers]]\n", "12:3: error: expected the table [transfers], found an array"),
        (
            "[[zone]]\nname = 'a.'\nallow-update = ['any']\n",
            "14:17: error: expected the table [[zone.allow-update]], found the text \"any\"",
        ),
        (
            "[[zone]]\nname = 'a.'\nallow-transfers = 'any'\n",
            "14:1: error: expected a key of [[zone]], found \"allow-transfers\"; the nearest is \"allow-transfer\"",
        ),
    ];
    for (further, says) in cases {
        assert_eq!(errors(further), [says], "{further}");
    }
}

#[test]
fn secrets_of_keys_are_one_line_of_base64_for_no_other_eyes() {
    assert!(read(PEERS, SECRET, 0o640).is_ok());
    let cases = [
        (
            SECRET,
            0o644,
            "t.toml:4:1: error: expected a file that others can't read or write, found xfr.secret with mode 644",
        ),
        ("\n", 0o600, "xfr.secret: error: expected one line of base64, found none; make a secret with"),
        ("c2VjcmV0\n", 0o600, "xfr.secret:1:1: error: expected 8 to 512 octets in base64"),
        ("\nno base64!\n", 0o600, "xfr.secret:2:1: error: expected 8 to 512 octets in base64"),
        (
            "c2VjcmV0IHNlY3JldCBzZWNyZXQ=\nanother\n",
            0o600,
            "xfr.secret:2:1: error: expected one line of base64, found another",
        ),
    ];
    for (secret, mode, says) in cases {
        let found = read(PEERS, secret, mode).unwrap_err();
        assert!(found.len() == 1 && found[0].starts_with(says), "{found:?}");
        assert!(!found[0].contains("c2Vj"), "{found:?}");
    }
    let found = read(&PEERS.replace("xfr.secret", "nowhere"), SECRET, 0o600).unwrap_err();
    assert!(found.len() == 1 && found[0].starts_with("t.toml:4:1: error: reading the secrets in nowhere"), "{found:?}");
}

#[test]
fn catalogs_have_their_role_templates_and_lists() {
    let file = with_peers(
        "[[template]]
        name = 'members'
        primaries = 'primary'
        size-max = '1MiB'
        [[template]]
        name = 'listed'
        catalog-zone = 'Made.example'
        catalog-group = 'plain'
        [[zone]]
        name = 'catalog.example'
        primaries = 'primary'
        catalog-role = 'interpret'
        catalog-template = 'members'
        [[zone]]
        name = 'made.example'
        catalog-role = 'generate'
        [[zone]]
        name = 'a.example'
        template = 'listed'",
    );
    let members = file.policies().template("members").unwrap();
    assert!(members.is_secondary() && members.size_max == Some(1 << 20));
    assert_eq!(
        policy(&file, "catalog.example.").catalog,
        Some(Catalog::Interpret { templates: vec!["members".into()] })
    );
    assert!(
        policy(&file, "made.example.").is_generated()
            && file.policies().names("MADE.example.".parse::<Name>().unwrap().as_ref())
    );
    let listed = policy(&file, "a.example.");
    assert_eq!(listed.catalog_zone, Some("made.example.".parse().unwrap()));
    assert_eq!(listed.catalog_group.as_deref(), Some("plain"));
    assert_eq!(file.policies().template("nobody"), None);
}

#[test]
fn what_is_wrong_with_catalogs_is_told() {
    let cases = [
        ("[[zone]]\nname = 'a.'\ncatalog-role = 'read'", "expected interpret or generate"),
        ("[[zone]]\nname = 'a.'\ncatalog-role = 'interpret'", "expected catalog-template with this role"),
        (
            "[[zone]]\nname = 'a.'\ncatalog-template = 'x'\n[[template]]\nname = 'x'\nprimaries = 'primary'",
            "with the role interpret alone",
        ),
        (
            "[[zone]]\nname = 'a.'\nprimaries = 'primary'\ncatalog-role = 'generate'",
            "expected no primaries with this role",
        ),
        (
            "[[zone]]\nname = 'a.'\ncatalog-role = 'interpret'\ncatalog-template = 'x'\n[[template]]\nname = 'x'",
            "expected primaries in template \"x\"",
        ),
        (
            "[[zone]]\nname = 'a.'\ncatalog-role = 'interpret'\ncatalog-template = 'memers'\n[[template]]\nname = 'members'\nprimaries = 'primary'",
            "members",
        ),
        (
            "[[zone]]\nname = 'a.'\ncatalog-zone = 'b.'\n[[zone]]\nname = 'b.'",
            "whose catalog-role is generate, found b.",
        ),
        ("[[template]]\nname = 'x'\ncatalog-zone = 'b.'", "whose catalog-role is generate, found b."),
        ("[[zone]]\nname = 'a.'\nsize-max = '1KiB'", "expected 64KiB to 1024GiB"),
    ];
    for (text, expected) in cases {
        let errors = errors(text);
        assert!(errors.len() == 1 && errors[0].contains(expected), "{text}\nexpected {expected:?}, found {errors:#?}");
    }
}
