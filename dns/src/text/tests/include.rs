//! Files that include files.

use super::*;
use crate::text::limits::INCLUDE_DEPTH_MAX;
use crate::text::zonefile::{self, Options};
use std::fs;

/// A directory with files of these names and contents, of which the first is read with the origin `example.`.
fn read_files(files: &[(&str, &str)]) -> (tempfile::TempDir, ZoneFile) {
    let directory = tempfile::tempdir().unwrap();
    for (name, source) in files {
        let path = directory.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, source).unwrap();
    }
    let zone_file =
        zonefile::read(&directory.path().join(files[0].0), &"example.".parse().unwrap(), &Options::default());
    (directory, zone_file)
}

/// Errors with the directory taken out.
fn errors_in(directory: &tempfile::TempDir, zone_file: &ZoneFile) -> Vec<String> {
    let prefix = format!("{}/", directory.path().display());
    zone_file.errors.iter().map(|error| error.to_string().replace(&prefix, "")).collect()
}

#[test]
fn an_included_file_is_read_in_its_place_and_origin_and_owner_revert() {
    let (directory, zone_file) = read_files(&[
        ("a.zone", "$TTL 1\na NS a\n$INCLUDE \"sub/b.inc\" sub\n NS b\nc NS c\n$include sub/c.inc\nd NS d"),
        ("sub/b.inc", " NS inherited\n$ORIGIN other\nx NS x\n$INCLUDE c.inc"),
        ("sub/c.inc", "$TTL 2\ny NS y"),
    ]);
    assert_eq!(errors_in(&directory, &zone_file), [""; 0]);
    let line = |r: &crate::Record| {
        format!("{}:{} {}", r.file, r.line, present::record(r.owner.as_ref(), r.ttl, r.rtype, &r.rdata))
    };
    assert_eq!(
        zone_file.to_records().iter().map(line).collect::<Vec<_>>(),
        [
            "0:2 a.example. 1 IN NS a.example.",
            "1:1 a.example. 1 IN NS inherited.sub.example.",
            "1:3 x.other.sub.example. 1 IN NS x.other.sub.example.",
            "2:2 y.other.sub.example. 2 IN NS y.other.sub.example.",
            "0:4 a.example. 2 IN NS b.example.",
            "0:5 c.example. 2 IN NS c.example.",
            "2:2 y.example. 2 IN NS y.example.",
            "0:7 d.example. 2 IN NS d.example.",
        ]
    );
    let names: Vec<_> =
        zone_file.columns.files.iter().map(|path| path.strip_prefix(directory.path()).unwrap()).collect();
    assert_eq!(names, [Path::new("a.zone"), Path::new("sub/b.inc"), Path::new("sub/c.inc")]);
}

#[test]
fn an_error_names_the_included_file() {
    let (directory, zone_file) = read_files(&[("a.zone", "$INCLUDE b\n"), ("b", "\nx 1 A y")]);
    assert_eq!(errors_in(&directory, &zone_file), ["b:2:7: error: A: expected an IPv4 address: `y`"]);
}

#[test]
fn a_file_that_includes_itself_is_refused() {
    let (directory, zone_file) =
        read_files(&[("a.zone", "a 1 NS a\n$INCLUDE b"), ("b", "$INCLUDE ./a.zone\nb 1 NS b")]);
    assert_eq!(errors_in(&directory, &zone_file), ["b:1:10: error: file includes itself: `./a.zone`"]);
    assert_eq!(zone_file.to_records().len(), 2);
}

#[test]
fn inclusion_has_a_depth() {
    let names: Vec<String> = (0..=INCLUDE_DEPTH_MAX + 1).map(|level| format!("{level}")).collect();
    let sources: Vec<String> = (1..=INCLUDE_DEPTH_MAX + 2).map(|level| format!("$INCLUDE {level}")).collect();
    let mut files: Vec<(&str, &str)> =
        names.iter().map(String::as_str).zip(sources.iter().map(String::as_str)).collect();
    let (directory, zone_file) = read_files(&files);
    assert_eq!(errors_in(&directory, &zone_file), ["10:1:10: error: files included more than 10 deep: `11`"]);
    let last = files.len() - 2;
    files[last].1 = "a 1 NS a";
    assert_eq!(read_files(&files).1.errors, []);
}

#[test]
fn files_that_include_others_many_times_are_bounded() {
    let fan = "$INCLUDE b\n".repeat(50);
    let (directory, zone_file) = read_files(&[("a.zone", &fan), ("b", &fan.replace('b', "c")), ("c", "")]);
    assert!(errors_in(&directory, &zone_file)[0].ends_with(": error: more than 1000 files included: `c`"));
}

#[test]
fn b27_a_file_that_is_not_there_or_no_file_is_an_error_without_a_place() {
    let directory = tempfile::tempdir().unwrap();
    let origin = "example.".parse().unwrap();
    let text = |path: &Path| {
        zonefile::read(path, &origin, &Options::default()).errors.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let path = directory.path().join("none.zone");
    assert_eq!(
        text(&path),
        [format!("{}: error: cannot read the file: No such file or directory (os error 2)", path.display())]
    );
    assert_eq!(text(directory.path()), [format!("{}: error: not a regular file", directory.path().display())]);
    let link = directory.path().join("link.zone");
    std::os::unix::fs::symlink(&link, &link).unwrap();
    assert!(text(&link)[0].starts_with(&format!("{}: error: cannot read the file: Too many levels", link.display())));
}

#[test]
fn an_origin_is_read_from_the_name_of_a_file() {
    let origin = |path: &str| crate::text::origin_from_path(Path::new(path));
    for (path, name) in [
        ("/etc/zones/example.com.zone", "example.com."),
        ("Example.COM..zone", "Example.COM."),
        ("..zone", "."),
        ("root.zone", "."),
        ("0%2f25.2.0.192.in-addr.arpa.zone", "0/25.2.0.192.in-addr.arpa."),
        ("root..zone", "root."),
        ("a\\.b.c.zone", "a\\.b.c."),
    ] {
        assert_eq!(origin(path).unwrap().to_string(), name, "{path}");
    }
    assert!(origin("example.com").unwrap_err().to_string().contains("expected a file name such as example.com.zone"));
    assert!(origin("a%2.zone").unwrap_err().to_string().contains("two hexadecimal digits"));
    assert!(origin(".zone").unwrap_err().to_string().contains("not that of a zone"));
    assert!(origin("a..b.zone").is_err());
    assert!(origin("@.zone").is_err());
}

#[test]
fn what_lies_outside_of_the_zone_files_folder_is_not_shown() {
    let secret = tempfile::NamedTempFile::new().unwrap();
    fs::write(secret.path(), "secret words\n").unwrap();
    let absolute = secret.path().display().to_string();
    let (directory, zone_file) = read_files(&[
        ("zones/a.zone", &format!("$INCLUDE {absolute}\n$INCLUDE ../b.inc\n")),
        ("b.inc", "more secrets\n"),
    ]);
    let errors = errors_in(&directory, &zone_file);
    assert_eq!(errors.len(), 2, "{errors:?}");
    assert!(
        errors.iter().all(|error| error.contains("outside of the folder") && !error.contains("secret")),
        "{errors:?}"
    );
    // Nor by a link.
    let (directory, _) = read_files(&[("a.zone", "")]);
    std::os::unix::fs::symlink(secret.path(), directory.path().join("link")).unwrap();
    fs::write(directory.path().join("a.zone"), "$INCLUDE link\n").unwrap();
    let zone_file = zonefile::read(&directory.path().join("a.zone"), &"example.".parse().unwrap(), &Options::default());
    assert!(errors_in(&directory, &zone_file)[0].contains("outside of the folder"));
}
