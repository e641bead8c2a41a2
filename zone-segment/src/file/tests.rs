//! Files that appear whole or not at all.

use std::os::unix::fs::PermissionsExt;

use crate::map::SegmentBuffer;
use crate::{DirectoryWriter, HashKey, Name, SegmentWriter, ZoneId};

use super::*;

/// A small segment.
fn segment() -> SegmentBuffer {
    DirectoryWriter::new(HashKey([1; 16])).finish().expect("an empty directory")
}

/// The names in a directory.
fn names(dir: &Path) -> Vec<OsString> {
    let mut names: Vec<_> =
        std::fs::read_dir(dir).expect("a directory").map(|entry| entry.expect("an entry").file_name()).collect();
    names.sort();
    names
}

#[test]
fn a_file_is_whole_read_only_and_alone() {
    let dir = tempfile::tempdir().expect("a directory");
    std::fs::write(dir.path().join("a.seg.tmp"), "left by a crash").expect("written");
    write_file(dir.path(), "a.seg", &segment()).expect("written");
    assert_eq!(names(dir.path()), ["a.seg"]);
    let path = dir.path().join("a.seg");
    assert_eq!(std::fs::read(&path).expect("readable"), segment().as_slice());
    assert_eq!(path.metadata().expect("there").permissions().mode() & 0o7777, 0o444);
    verify_file(&path).expect("sound");
    let mapped = map(File::open(&path).expect("readable")).expect("a segment");
    assert_eq!(mapped.len(), segment().len() as u64);
}

#[test]
fn b37_a_descriptor_of_a_reader_cannot_write() {
    let dir = tempfile::tempdir().expect("a directory");
    write_file(dir.path(), "a.seg", &segment()).expect("written");
    let mut reader = File::open(dir.path().join("a.seg")).expect("readable");
    assert_eq!(reader.write(b"x").expect_err("read-only").raw_os_error(), Some(Errno::BADF.raw_os_error()));
    assert!(reader.set_len(0).is_err());
}

#[test]
fn b37_a_replaced_file_stays_as_it_was_for_who_has_it_mapped() {
    let dir = tempfile::tempdir().expect("a directory");
    write_file(dir.path(), "a.seg", &segment()).expect("written");
    let old = map(File::open(dir.path().join("a.seg")).expect("readable")).expect("a segment");
    let other = DirectoryWriter::new(HashKey([2; 16])).finish().expect("an empty directory");
    write_file(dir.path(), "a.seg", &other).expect("written");
    old.verify().expect("unchanged");
    assert_eq!(old.key(), HashKey([1; 16]));
    std::fs::remove_file(dir.path().join("a.seg")).expect("removed");
    old.verify().expect("unchanged");
}

#[test]
fn b36_space_that_is_not_there_is_an_error_and_leaves_nothing() {
    let dir = tempfile::tempdir().expect("a directory");
    let error = write_reserved(dir.path(), "a.seg", &segment(), 1 << 62).expect_err("no disk has that");
    assert_eq!(error.step, Step::Reserve { octets: 1 << 62 });
    assert_eq!(error.path, dir.path().join("a.seg.tmp"));
    assert!(names(dir.path()).is_empty(), "the temporary file is gone");
}

#[test]
fn errors_name_the_path_and_the_step() {
    let dir = tempfile::tempdir().expect("a directory");
    let error = write_file(&dir.path().join("none"), "a.seg", &segment()).expect_err("no such directory");
    assert_eq!((error.step, error.source.kind()), (Step::Create, io::ErrorKind::NotFound));
    // A directory in the way of the final name: everything goes well up to the last step.
    std::fs::create_dir(dir.path().join("b.seg")).expect("made");
    let error = write_file(dir.path(), "b.seg", &segment()).expect_err("a directory is in the way");
    assert_eq!(error.step, Step::Rename);
    assert_eq!(error.to_string(), format!("{}: cannot rename it", dir.path().join("b.seg.tmp").display()));
    assert_eq!(names(dir.path()), ["b.seg"]);
}

#[test]
fn b38_verify_file_names_file_and_block() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("a.seg");
    let mut octets = segment();
    octets[4096] ^= 1;
    std::fs::write(&path, &octets).expect("written");
    let error = verify_file(&path).expect_err("damaged");
    assert_eq!(error.path, path);
    assert!(matches!(error.cause, VerifyFileCause::Contents(VerifyError::Block { block: 0, offset: 4096, .. })));
    std::fs::write(&path, &octets[..100]).expect("written");
    assert!(matches!(
        verify_file(&path).expect_err("short").cause,
        VerifyFileCause::Open(OpenError::TooShort { expected_min: 4096, found: 100 })
    ));
    std::fs::write(&path, b"").expect("written");
    assert!(matches!(verify_file(&path).expect_err("empty").cause, VerifyFileCause::Open(OpenError::TooShort { .. })));
    std::fs::remove_file(&path).expect("removed");
    assert!(matches!(verify_file(&path).expect_err("gone").cause, VerifyFileCause::File(_)));
}

/// Octets of a file that are in this process's page tables.
fn resident(path: &Path) -> u64 {
    let smaps = std::fs::read_to_string("/proc/self/smaps").expect("readable");
    let path = path.to_str().expect("a path in UTF-8");
    let mut lines = smaps.lines().skip_while(|line| !line.ends_with(path));
    let rss = lines.find_map(|line| line.strip_prefix("Rss:")).expect("mapped");
    rss.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") * 1024
}

#[test]
fn opening_touches_the_header_and_the_root_only() {
    let mut writer = SegmentWriter::new(HashKey([1; 16]));
    let apex: Name = "example.".parse().expect("a name");
    writer.start_zone(ZoneId(1), apex.as_ref()).expect("a zone");
    for number in 100_000..200_000 {
        let owner = apex.prepend_label(format!("name{number}").as_bytes()).expect("a name");
        writer.rrset(owner.as_ref(), 16, 60, &[format!("{number:0200}").as_bytes()]).expect("an RRset");
    }
    let dir = tempfile::tempdir().expect("a directory");
    write_file(dir.path(), "large.seg", &writer.finish().expect("a segment")).expect("written");
    let path = dir.path().join("large.seg");
    let segment = map(File::open(&path).expect("readable")).expect("a segment");
    assert!(segment.len() > 16 << 20, "large enough to tell: {}", segment.len());
    // A fault brings its neighbours in the page cache along: a huge page of 2 MiB where the file lies in large folios.
    let opened = resident(&path);
    assert!(opened <= 6 << 20, "{opened} octets after open: more than those of header, root and block table");
    segment.verify().expect("sound");
    assert!(resident(&path) > 16 << 20, "and all of them after verify");
}
