//! The pages about the configuration file say what the declarations say: `docs/configuration.md` has each table of the file, made from them, and
//! `docs/trine.toml` each key at its default.
#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

use std::fmt::Write as _;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use clap::Command;
use config::declaration::{Declaration, Kind, Preset};
use config::file::File;
use config::options::{ALL, RATE_LIMIT_TABLE, TABLES};
use config::policy::Zones;
use config::serve::Serve;

/// A page.
fn page(name: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs").join(name)).unwrap()
}

/// The options of one table.
fn options_of(table: &str) -> impl Iterator<Item = &'static Declaration> {
    ALL.iter().map(|option| option.declaration()).filter(move |option| option.key.unwrap().table == table)
}

/// Text in a cell of a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

/// A value as the file has it.
fn in_file(option: &Declaration, text: &str) -> String {
    match option.kind {
        Kind::Number | Kind::Switch => text.to_owned(),
        Kind::Text | Kind::Path | Kind::TextOrFalse => format!("{text:?}"),
    }
}

/// The part of the page that is made from the declarations.
fn tables() -> String {
    let mut text = String::new();
    for table in TABLES {
        write!(text, "\n## `{}`\n\n{}\n\n", table.heading(), table.about).unwrap();
        text.push_str("| key | value | default | command line | |\n|---|---|---|---|---|\n");
        for option in options_of(table.name) {
            let array = if option.many { ", or an array of these" } else { "" };
            let value = match option.kind {
                Kind::Switch => option.range.to_owned(),
                _ => format!("{}{array}: {}", option.kind.words(), option.range),
            };
            let default = match option.preset {
                Preset::Value(text) => format!("`{}`", in_file(option, text)),
                Preset::Words(words) => words.to_owned(),
                Preset::Nothing => "none".to_owned(),
                Preset::Needed => "needed".to_owned(),
            };
            let line = option.name.map_or_else(String::new, |name| format!("`--{name}`"));
            let key = option.key.unwrap().key;
            let cells = [format!("`{key}`"), cell(&value), default, line, cell(option.help)];
            writeln!(text, "| {} |", cells.join(" | ")).unwrap();
        }
    }
    text
}

#[test]
fn the_reference_has_every_option_as_it_is_declared() {
    let page = page("configuration.md");
    let (_, behind) = page.split_once("<!-- tables -->\n").unwrap();
    let (found, _) = behind.split_once("\n<!-- end of tables -->").unwrap();
    let expected = tables();
    assert!(found == expected, "docs/configuration.md should have between its marks:\n{expected}");
}

/// The sample as it is; with the values that are only shown, which stand behind `#` without a space.
fn sample(with_shown: bool) -> String {
    let is_shown = |line: &str| line.starts_with('#') && !line.starts_with("# ") && line.len() > 1;
    let line = |line: &str| if with_shown && is_shown(line) { line[1..].to_owned() } else { line.to_owned() };
    page("trine.toml").lines().map(line).collect::<Vec<_>>().join("\n")
}

/// What a server is told by a file, and by a command line that names what there is no default for.
fn served(file: Option<&File>) -> Serve {
    let arguments = ["serve", "--zones", "z", "--state", "s"];
    let matches = Serve::declare(Command::new("serve")).try_get_matches_from(arguments).unwrap();
    Serve::gather(&matches, file).unwrap()
}

#[test]
fn the_sample_is_sound_and_says_the_defaults() {
    let file = File::parse(Path::new("trine.toml"), &sample(false)).unwrap();
    assert!(!file.has_table(RATE_LIMIT_TABLE));
    let (mut with_file, without) = (served(Some(&file)), served(None));
    // What a file does not allow it refuses; without one this machine itself may transfer.
    assert_eq!((&with_file.policies, &without.policies), (&Zones::default(), &Zones::without_file()));
    with_file.policies = Zones::without_file();
    assert_eq!(with_file, without);
}

#[test]
fn the_sample_has_every_key_and_shows_sound_values() {
    let directory = tempfile::tempdir().unwrap();
    let secrets = [
        ("cookie-secrets", "e5e973e5a6b2a43f48e7dc849e37bfcf\n"),
        ("xfr.secret", "c2VjcmV0IHNlY3JldCBzZWNyZXQ=\n"),
        ("tls.key", "what is in it is looked at elsewhere\n"),
    ];
    for (name, secret) in secrets {
        let file = directory.path().join(name);
        std::fs::write(&file, secret).unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    }
    let text = sample(true);
    let path: PathBuf = directory.path().join("trine.toml");
    let file = File::parse(&path, &text).unwrap_or_else(|errors| panic!("{errors:?}\n{text}"));
    assert_eq!((file.cookie_secrets().len(), file.keys().len(), file.remotes().len()), (1, 1, 2));
    assert_eq!(file.policies().named().count(), 3);
    assert!(file.tls().is_some());
    let mut table = "";
    let mut found = Vec::new();
    for line in text.lines() {
        if let Some(name) = line.strip_prefix('[') {
            table = name.trim_matches(['[', ']']);
        } else if let Some((key, _)) = line.split_once(" = ").filter(|_| !line.starts_with('#')) {
            let key = (table.to_owned(), key.to_owned());
            // A table may stand more than once.
            if !found.contains(&key) {
                found.push(key);
            }
        }
    }
    assert_eq!(found.remove(0), (String::new(), "version".to_owned()));
    let declared = TABLES.iter().flat_map(|table| options_of(table.name));
    let declared: Vec<_> =
        declared.map(|option| option.key.unwrap()).map(|key| (key.table.to_owned(), key.key.to_owned())).collect();
    assert_eq!(found, declared, "left: docs/trine.toml; right: the declarations, in their order");
    // Every default that is a value stands there as it is.
    for option in ALL.iter().map(|option| option.declaration()) {
        if let Preset::Value(value) = option.preset {
            let line = format!("{} = {}", option.key.unwrap().key, in_file(option, value));
            assert!(text.lines().any(|found| found == line), "{line}");
        }
    }
}
