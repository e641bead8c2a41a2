//! TLS: its addresses, its certificate, its key.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;

use super::super::*;

/// Reads a configuration that lies in a folder with a file of a key.
fn read(text: &str, mode: u32) -> Result<File, Vec<String>> {
    let directory = tempfile::tempdir().unwrap();
    let (config, key) = (directory.path().join("t.toml"), directory.path().join("tls.key"));
    std::fs::write(&config, format!("version = 1\n{text}")).unwrap();
    std::fs::write(&key, "a key\n").unwrap();
    std::fs::set_permissions(&key, Permissions::from_mode(mode)).unwrap();
    let folder = format!("{}/", directory.path().display());
    let line = |error: &FileError| error.to_string().replace(&folder, "");
    File::read(&config).map_err(|errors| errors.iter().map(line).collect())
}

/// Sound tables.
const SOUND: &str =
    "[auth]\ntls-listen = ['192.0.2.1', '[2001:db8::1]:8853']\n[auth.tls]\ncertificate = 'tls.pem'\nkey = 'tls.key'\n";

#[test]
fn the_port_is_that_of_dns_over_tls_unless_given() {
    let file = read(SOUND, 0o640).unwrap();
    let expected: Vec<std::net::SocketAddr> =
        ["192.0.2.1:853", "[2001:db8::1]:8853"].map(|text| text.parse().unwrap()).to_vec();
    assert_eq!(file.values(&options::TLS_LISTEN), Some(expected));
    let tls = file.tls().unwrap();
    assert!(tls.certificate.ends_with("tls.pem") && tls.key.is_absolute(), "{tls:?}");
    assert!(File::parse("t.toml".as_ref(), "version = 1\n").unwrap().tls().is_none());
}

#[test]
fn a_key_is_for_no_other_eyes() {
    let found = read(SOUND, 0o644).unwrap_err();
    let says = "t.toml:6:1: error: expected a file that others can't read or write, found tls.key with mode 644";
    assert!(found.len() == 1 && found[0].starts_with(says), "{found:?}");
    let found = read(&SOUND.replace("tls.key", "nowhere"), 0o600).unwrap_err();
    assert!(found.len() == 1 && found[0].starts_with("t.toml:6:1: error: reading the secrets in nowhere"), "{found:?}");
}

#[test]
fn addresses_and_certificate_need_each_other() {
    let certificate = "[auth.tls]\ncertificate = 'tls.pem'\nkey = 'tls.key'\n";
    let cases = [
        (
            "[auth]\ntls-listen = '192.0.2.1'\n".to_owned(),
            &[
                "3:1: error: expected certificate (a file of certificates in PEM, the server's own first) in [auth.tls], found none; add it",
                "3:1: error: expected key (a file that others may not read, of a private key in PEM) in [auth.tls], found none; add it",
            ][..],
        ),
        (
            certificate.to_owned(),
            &["3:1: error: expected tls-listen in [auth] with [auth.tls], found none; add it, or leave [auth.tls] out"],
        ),
        (
            format!("[auth]\ntls-listen = []\n{certificate}"),
            &["3:1: error: expected at least one address, found none; leave tls-listen out for none"],
        ),
        (
            format!("[auth]\ntls-listen = 'localhost'\n{certificate}"),
            &[
                "3:14: error: expected ADDRESS or ADDRESS:PORT, such as 192.0.2.1 or [2001:db8::1]:853, found \"localhost\"",
            ],
        ),
        (
            format!("[auth]\ntls-listen = ['192.0.2.1', '192.0.2.1:853']\n{certificate}"),
            &[
                "3:28: error: expected each address once, found 192.0.2.1:853 twice; leave one out (the other is in line 3)",
            ],
        ),
        (
            format!("[auth]\ntls-listen = '192.0.2.1:53'\n{certificate}[server]\nlisten = '0.0.0.0:53'\n"),
            &[
                "8:10: error: expected addresses apart, found 0.0.0.0:53 and 192.0.2.1:53, one of which has the other in it; leave one out \
               (the other is in line 3)",
            ],
        ),
    ];
    for (text, expected) in cases {
        let found = read(&text, 0o600).unwrap_err();
        let found: Vec<&str> = found.iter().map(|error| error.trim_start_matches("t.toml:")).collect();
        assert_eq!(found, expected, "{text}");
    }
}
