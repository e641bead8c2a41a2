//! Files that are sound, and files that are not.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::*;

mod peers;
mod tls;

/// The errors of a file's text, without the path.
fn errors(text: &str) -> Vec<String> {
    let errors = File::parse(Path::new("t.toml"), text).unwrap_err();
    errors.iter().map(|error| error.to_string().trim_start_matches("t.toml:").to_owned()).collect()
}

#[test]
fn a_value_alone_and_an_array_are_both_many() {
    let listen = |text: &str| {
        let file = File::parse(Path::new("t.toml"), &format!("version = 1\n[server]\nlisten = {text}\n")).unwrap();
        file.values(&options::LISTEN).unwrap().len()
    };
    assert_eq!((listen("'127.0.0.1:53'"), listen("['127.0.0.1:53', '[::1]:53']")), (1, 2));
}

#[test]
fn relative_paths_begin_at_the_folder_of_the_file() {
    let text = "version = 1\n[server]\nstate = '/var/lib/trine'\n[zones]\ndirectory = 'zones'\n";
    let file = File::parse(Path::new("/etc/trine/trine.toml"), text).unwrap();
    assert_eq!(file.values(&options::ZONES), Some(vec![PathBuf::from("/etc/trine/zones")]));
    assert_eq!(file.values(&options::STATE), Some(vec![PathBuf::from("/var/lib/trine")]));
    let file = File::parse(Path::new("trine.toml"), text).unwrap();
    assert_eq!(file.values(&options::ZONES), Some(vec![PathBuf::from("zones")]));
}

#[test]
fn each_error_has_its_place_and_all_are_told() {
    let text = "version = 1\n[server]\nlissten = '127.0.0.1:53'\nauth = 65\n[auth]\nidle-timeout = '1s'\nudp-size-max = '1232'\n\
                [auth.tcp]\n  idle-timeout = 10\n[nosuch]\n";
    let expected = [
        r#"3:1: error: expected a key of [server], found "lissten"; the nearest is "listen""#,
        r#"4:8: error: expected a whole number from 1 to 64, found "65""#,
        r#"6:1: error: expected a key of [auth], found "idle-timeout"; it belongs into [auth.tcp]"#,
        r#"7:16: error: expected a whole number (512 to 4096), found the text "1232"; write it without quotes"#,
        "9:18: error: expected text in quotes (100ms to 1h), found the number 10; write it in quotes",
        r#"10:2: error: expected a key of the file, found "nosuch"; there are version, server, zones, memmgr, control, auth, key, remote, transfers, template, zone"#,
    ];
    assert_eq!(errors(text), expected);
}

#[test]
fn the_version_is_needed() {
    assert_eq!(errors(""), ["1:1: error: expected version = 1, found no version; write it above the first table"]);
    let found = errors("version = 2\n");
    assert_eq!(found, ["1:11: error: expected version = 1, found the number 2; write it above the first table"]);
}

#[test]
fn what_is_no_toml_is_told_with_what_else_is_wrong() {
    let found = errors("version = 1\n[server]\nauth = = 2\n[auth]\ncookie = true\n");
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[0].starts_with("3:8: error: expected TOML"), "{found:?}");
    assert!(found[1].starts_with("5:1: error: ") && found[1].contains("\"cookies\""), "{found:?}");
    let found = errors("version = 1\n[auth]\ncookies = true\ncookies = false\n");
    assert!(
        found.len() == 1 && found[0].starts_with("4:1: error: ") && found[0].contains("duplicate key"),
        "{found:?}"
    );
}

#[test]
fn values_that_contradict_each_other_are_both_named() {
    let cases = [
        ("[server]\nlisten = []\n", "3:1", &["at least one address"][..]),
        ("[server]\nlisten = ['127.0.0.1:53',\n '[::1]:53', '127.0.0.1:53']\n", "4:14", &["127.0.0.1:53", "line 3"]),
        ("[server]\nlisten = ['0.0.0.0:53', '127.0.0.1:53']\n", "3:25", &["0.0.0.0:53", "127.0.0.1:53"]),
        ("[auth.tcp]\nconnections-max = 5\nconnections-per-client-max = 6\n", "4:1", &["5 (line 3)", "6 (line 4)"]),
        (
            "[auth.rate-limit]\nresponses-per-second = 0\nnxdomains-per-second = 0\nerrors-per-second = 0\n",
            "5:1",
            &["lines 3, 4 and 5"],
        ),
    ];
    for (text, place, says) in cases {
        let found = errors(&format!("version = 1\n{text}"));
        assert!(found.len() == 1 && found[0].starts_with(&format!("{place}: error: expected ")), "{found:?}");
        assert!(says.iter().all(|says| found[0].contains(says)), "{found:?}");
    }
}

#[test]
fn numbers_may_be_grouped() {
    let file = File::parse(Path::new("t.toml"), "version = 1\n[auth]\nudp-size-max = 1_232\n").unwrap();
    assert_eq!(file.values(&options::UDP_SIZE_MAX), Some(vec![1232]));
}

#[test]
fn a_file_cut_anywhere_is_read_or_refused_with_a_place_in_it() {
    let whole = include_str!("../../../docs/trine.toml").replace("\n#", "\n");
    for (cut, _) in whole.char_indices() {
        let text = &whole[..cut];
        for error in File::parse(Path::new("t.toml"), text).err().into_iter().flatten() {
            let Place { line, column } = error.place.unwrap();
            let lines: Vec<&str> = text.split('\n').collect();
            let is_in_text = line <= lines.len() && column <= lines[line - 1].chars().count() + 1;
            assert!(is_in_text, "{error} of {cut} octets");
        }
    }
}

#[test]
fn wrong_types_are_named() {
    let cases = [
        ("auth = 2\n", "expected the table [auth], found the number 2"),
        ("[server.auth]\n", "found a table"),
        ("[[zones]]\n", "expected the table [zones], found an array"),
        ("[zones]\nwatch = 1\n", "expected true or false, found the number 1"),
        ("[auth]\nversion = true\n", "or false (1 to 255 octets of text), found true"),
        ("[control]\nallow = [0]\n", "found the number 0; write it in quotes"),
        ("[zones]\ndirectory = ['a']\n", "found an array"),
        ("[zones]\ndirectory = ''\n", "expected a path, found nothing"),
        ("[server]\nauth = 0x41\n", "from 1 to 64, found \"65\""),
    ];
    for (text, says) in cases {
        let found = errors(&format!("version = 1\n{text}"));
        assert!(found.len() == 1 && found[0].contains(says), "{text}: {found:?}");
    }
}

/// A configuration that names a file of secrets with this content and mode.
fn with_secrets(content: &str, mode: u32) -> Result<File, Vec<String>> {
    let directory = tempfile::tempdir().unwrap();
    let (config, secrets) = (directory.path().join("t.toml"), directory.path().join("secrets"));
    std::fs::write(&config, "version = 1\n[auth]\ncookie-secrets = 'secrets'\n").unwrap();
    std::fs::write(&secrets, content).unwrap();
    std::fs::set_permissions(&secrets, Permissions::from_mode(mode)).unwrap();
    let folder = format!("{}/", directory.path().display());
    File::read(&config)
        .map_err(|errors| errors.iter().map(|error| error.to_string().replace(&folder, "")).collect::<Vec<_>>())
}

#[test]
fn cookie_secrets_are_one_or_two_lines() {
    let (one, two) = ("e5e973e5a6b2a43f48e7dc849e37bfcf", "dd3bdf9344b678b185a6f5cb60fca715");
    let count = |content: &str| with_secrets(content, 0o600).map(|file| file.cookie_secrets().len());
    assert_eq!(count(one), Ok(1));
    assert_eq!(count(&format!("{one}\n\n{two}\n")), Ok(2));
    for (content, says) in [
        (format!("{one}\n{two}\n{one}\n"), "secrets:3:1: error: expected at most 2 secrets"),
        (format!("{one}\n{}\n", &two[1..]), "secrets:2:1: error: expected 32 hexadecimal digits, found 31 characters"),
        ("\n".to_owned(), "secrets: error: expected one or two lines"),
    ] {
        let found = count(&content).unwrap_err();
        assert!(found.len() == 1 && found[0].starts_with(says), "{found:?}");
        assert!(!found[0].contains(&one[1..]) && !found[0].contains(&two[2..]), "{found:?}");
    }
}

#[test]
fn cookie_secrets_are_for_no_other_eyes() {
    let secret = "e5e973e5a6b2a43f48e7dc849e37bfcf";
    assert!(with_secrets(secret, 0o640).is_ok());
    for mode in [0o644, 0o602] {
        let found = with_secrets(secret, mode).unwrap_err();
        let says = format!(
            "t.toml:3:1: error: expected a file that others can't read or write, found secrets with mode {mode:o}"
        );
        assert!(found.len() == 1 && found[0].starts_with(&says), "{found:?}");
    }
}

#[test]
fn files_that_cannot_be_read_say_why() {
    use std::error::Error;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("t.toml");
    let missing = File::read(&path).unwrap_err();
    assert!(missing[0].source().is_some() && missing[0].place.is_none(), "{missing:?}");
    std::fs::write(&path, b"version = 1\n# \xff\n").unwrap();
    let found = File::read(&path).unwrap_err();
    assert_eq!(found[0].place, Some(Place { line: 2, column: 3 }));
    std::fs::write(&path, vec![b'\n'; (1 << 20) + 1]).unwrap();
    assert!(matches!(File::read(&path).unwrap_err()[0].kind, FileErrorKind::TooLong));
    let text = "version = 1\n[auth]\ncookies = false\ncookie-secrets = 'nowhere'\n";
    let found = File::parse(&path, text).unwrap_err();
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[0].to_string().contains("line 3") && found[0].to_string().contains("line 4"), "{found:?}");
}
