//! What the manifest promises: any damage is found, and there is always one to fall back to.

use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

use proptest::prelude::*;
use tempfile::TempDir;
use zone_segment::Name;

use super::catalogue::ChunkFault;
use super::*;
use crate::apex::shard_of;

/// A body with something of everything.
fn sample(generation: u64) -> ManifestBody {
    let layer = |id: u64| LayerEntry {
        id,
        file: format!("{id}.segment"),
        length: 4096 * id,
        content_hash: u128::from(id) << 100,
    };
    let chunk = |shard, file| ChunkEntry { shard, file, offset: 4096, length: 3, hash: u128::MAX };
    ManifestBody {
        generation,
        next_layer: 10,
        next_zone: 3,
        next_group: 2,
        directory: vec![layer(9), layer(2)],
        groups: vec![GroupEntry { id: 1, layers: vec![layer(8), layer(1)] }],
        next_catalogue: 6,
        log: 4,
        served_zones: 1,
        served_records: 12,
        catalogue: vec![chunk(17, 5), chunk(0, 3)],
        ..ManifestBody::new(*b"0123456789abcdef", "boot-1".into())
    }
}

/// Zones with something of everything, all of one shard.
fn sample_zones() -> (u32, Vec<ZoneEntry>) {
    let source = SourceStamp {
        path: Path::new("/zones/example.com.zone").into(),
        dev: 1,
        ino: 2,
        size: 3,
        mtime_ns: 1_700_000_000_123_456_789,
        ctime_ns: -4,
        content_hash: u128::MAX,
        is_racy: true,
    };
    let apex: Name = "Example.com.".parse().unwrap();
    let shard = shard_of(apex.as_ref());
    let other = (0..).map(|number| format!("broken{number}.").parse::<Name>().unwrap());
    let other = other.into_iter().find(|apex| shard_of(apex.as_ref()) == shard).unwrap();
    let zone = ZoneEntry {
        apex,
        zone: 1,
        group: 1,
        state: ZoneState::Serving,
        serial: Some(u32::MAX),
        records: 12,
        source: Arc::clone(&source.path),
        stamps: vec![source],
        error: None,
    };
    let broken = ZoneEntry {
        apex: other,
        zone: 2,
        group: 0,
        state: ZoneState::Broken,
        serial: None,
        records: 0,
        source: Path::new("").into(),
        stamps: Vec::new(),
        error: Some("broken.zone:3:1: error: no SOA".into()),
    };
    (shard, vec![zone, broken])
}

/// A state directory that is there.
fn directory() -> (TempDir, StateDir) {
    let temporary = TempDir::new().unwrap();
    let directory = StateDir::new(temporary.path());
    directory.create().unwrap();
    (temporary, directory)
}

/// A directory in which the manifests of two generations were saved.
fn saved_twice() -> (TempDir, StateDir) {
    let (temporary, directory) = directory();
    let mut manifest = Manifest::new(directory.clone());
    manifest.save(&sample(1)).unwrap();
    manifest.save(&sample(2)).unwrap();
    (temporary, directory)
}

fn load(directory: &StateDir) -> Loaded {
    Manifest::new(directory.clone()).load().unwrap()
}

#[test]
fn b32_what_was_saved_last_is_loaded_and_the_one_before_kept() {
    let (_temporary, directory) = saved_twice();
    assert!(matches!(load(&directory), Loaded::Newest(body) if body == sample(2)));
    let previous = fs::read(directory.manifest_previous()).unwrap();
    assert_eq!(decode(&previous).unwrap(), sample(1));
    let mode = fs::metadata(directory.manifest()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "the hash key is nobody else's business");
    let mut names: Vec<_> = fs::read_dir(directory.root()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["catalogue", "commits", "manifest", "manifest.previous", "segments"]);
}

#[test]
fn b32_a_directory_without_manifest_is_new() {
    let (_temporary, directory) = directory();
    assert!(matches!(load(&directory), Loaded::Absent));
    assert!(matches!(load(&StateDir::new("/nonexistent/state")), Loaded::Absent));
}

#[test]
fn b32_files_left_by_a_crash_in_any_step_do_no_harm() {
    let (_temporary, directory) = saved_twice();
    fs::write(directory.manifest_new(), b"trine-mani").unwrap();
    fs::write(directory.manifest_previous_new(), b"").unwrap();
    let mut manifest = Manifest::new(directory.clone());
    assert!(matches!(manifest.load().unwrap(), Loaded::Newest(body) if body == sample(2)));
    manifest.save(&sample(3)).unwrap();
    assert!(matches!(load(&directory), Loaded::Newest(body) if body == sample(3)));
    assert_eq!(decode(&fs::read(directory.manifest_previous()).unwrap()).unwrap(), sample(2));
    assert!(!directory.manifest_new().exists());
    assert!(!directory.manifest_previous_new().exists());
}

#[test]
fn b32_a_crash_between_the_link_and_the_last_rename_leaves_two_names_of_one_file() {
    let (_temporary, directory) = saved_twice();
    fs::remove_file(directory.manifest_previous()).unwrap();
    fs::hard_link(directory.manifest(), directory.manifest_previous()).unwrap();
    let mut manifest = Manifest::new(directory.clone());
    manifest.load().unwrap();
    manifest.save(&sample(3)).unwrap();
    assert!(matches!(load(&directory), Loaded::Newest(body) if body == sample(3)));
    assert_eq!(decode(&fs::read(directory.manifest_previous()).unwrap()).unwrap(), sample(2));
}

#[test]
fn b33_every_truncation_is_found() {
    let octets = encode(&sample(1)).unwrap();
    for length in 0..octets.len() {
        assert!(decode(&octets[..length]).is_err(), "{length} of {} octets", octets.len());
    }
    let mut longer = octets.clone();
    longer.push(b'\n');
    assert!(matches!(decode(&longer), Err(DecodeError::Length { .. })));
}

#[test]
fn b33_every_change_of_a_single_octet_is_found() {
    let octets = encode(&sample(1)).unwrap();
    let mut changed = octets.clone();
    for place in 0..octets.len() {
        for difference in 1..=u8::MAX {
            changed[place] = octets[place] ^ difference;
            assert!(decode(&changed).is_err(), "octet {place}: {:#x} in place of {:#x}", changed[place], octets[place]);
        }
        changed[place] = octets[place];
    }
    assert_eq!(decode(&changed).unwrap(), sample(1));
}

#[test]
fn b33_damage_is_told_apart() {
    let text = String::from_utf8(encode(&sample(1)).unwrap()).unwrap();
    let decode = |text: String| decode(text.as_bytes()).unwrap_err();
    assert!(matches!(decode(text.replacen("trine-manifest", "trine-manifesto", 1)), DecodeError::NotManifest));
    assert!(matches!(decode(text.replacen(" 3 ", " 2 ", 1)), DecodeError::Version { expected: 3, got } if got == "2"));
    assert!(matches!(decode(text[..text.len() - 1].to_owned()), DecodeError::Length { .. }));
    assert!(matches!(decode(text.replace("boot-1", "boot-2")), DecodeError::Checksum { .. }));
}

#[test]
fn b33_a_damaged_manifest_falls_back_to_the_one_before_and_does_not_take_its_place() {
    let (_temporary, directory) = saved_twice();
    fs::write(directory.manifest(), b"garbage").unwrap();
    let mut manifest = Manifest::new(directory.clone());
    let Loaded::Previous { body, damage: Some(damage) } = manifest.load().unwrap() else {
        panic!("no fall-back");
    };
    assert_eq!(body, sample(1));
    assert_eq!(damage.path, directory.manifest());
    assert!(damage.to_string().contains("the first line is not that of a manifest"), "{damage}");
    manifest.save(&sample(7)).unwrap();
    assert!(matches!(load(&directory), Loaded::Newest(body) if body == sample(7)));
    assert_eq!(decode(&fs::read(directory.manifest_previous()).unwrap()).unwrap(), sample(1));
}

#[test]
fn b33_two_damaged_manifests_are_both_named() {
    let (_temporary, directory) = saved_twice();
    fs::write(directory.manifest(), b"").unwrap();
    fs::remove_file(directory.manifest_previous()).unwrap();
    fs::create_dir(directory.manifest_previous()).unwrap();
    let Loaded::Damaged { damage } = load(&directory) else {
        panic!("nothing can be used");
    };
    let paths: Vec<_> = damage.iter().map(|damage| damage.path.clone()).collect();
    assert_eq!(paths, [directory.manifest(), directory.manifest_previous()]);
    assert!(matches!(damage[1].why, DamageKind::Unreadable(_)));
    fs::remove_file(directory.manifest()).unwrap();
    assert!(matches!(load(&directory), Loaded::Damaged { damage } if damage.len() == 1));
}

#[test]
fn b33_a_manifest_that_vanished_falls_back_too() {
    let (_temporary, directory) = saved_twice();
    fs::remove_file(directory.manifest()).unwrap();
    assert!(matches!(load(&directory), Loaded::Previous { body, damage: None } if body == sample(1)));
}

#[test]
fn b36_a_failed_save_leaves_the_manifest_as_it_was() {
    let (_temporary, directory) = saved_twice();
    fs::create_dir(directory.manifest_new()).unwrap();
    let mut manifest = Manifest::new(directory.clone());
    manifest.load().unwrap();
    let error = manifest.save(&sample(3)).unwrap_err();
    assert!(matches!(&error, SaveError::File { step: SaveStep::Write, .. }), "{error}");
    assert!(matches!(load(&directory), Loaded::Newest(body) if body == sample(2)));
}

#[test]
fn contradictions_are_neither_written_nor_read() {
    let faults: [fn(&mut ManifestBody); 7] = [
        |body| body.directory[0].file = "../passwd".into(),
        |body| body.groups[0].layers[0].file = String::new(),
        |body| body.next_layer = 9,
        |body| body.next_group = 1,
        |body| body.next_catalogue = 5,
        |body| body.catalogue[0].shard = SHARDS,
        |body| body.catalogue[1].shard = 17,
    ];
    for (number, fault) in faults.iter().enumerate() {
        let mut body = sample(1);
        fault(&mut body);
        assert!(matches!(encode(&body), Err(SaveError::Contradiction(_))), "fault {number}");
    }
}

#[test]
fn trust_needs_a_clean_stop_or_the_same_boot() {
    let mut body = sample(1);
    assert!(body.is_trusted("boot-1"));
    assert!(!body.is_trusted("boot-2"));
    body.clean_stop = true;
    assert!(body.is_trusted("boot-2"));
}

#[test]
fn boot_id_is_read_from_the_kernel_or_from_a_test() {
    assert_eq!(boot_id(BOOT_ID_PATH.as_ref()).unwrap().len(), 36);
    let (temporary, _) = directory();
    let path = temporary.path().join("boot_id");
    assert!(matches!(boot_id(&path), Err(BootIdError::Read { .. })));
    fs::write(&path, "\n").unwrap();
    assert!(matches!(boot_id(&path), Err(BootIdError::Empty { .. })));
    fs::write(&path, "other\n").unwrap();
    assert_eq!(boot_id(&path).unwrap(), "other");
}

#[test]
fn b32_orphans_are_the_files_that_no_layer_names() {
    let (_temporary, directory) = directory();
    for name in ["1.segment", "8.segment", "7.segment", ".9.segment.tmp"] {
        fs::write(directory.segments().join(name), b"").unwrap();
    }
    let present = directory.segment_names().unwrap();
    assert_eq!(StateDir::orphans(&present, &sample(1)), [".9.segment.tmp", "7.segment"]);
    assert!(StateDir::new("/nonexistent").segment_names().unwrap().is_empty());
}

#[test]
fn chunks_of_a_catalogue_lie_one_behind_the_other() {
    let (_temporary, directory) = directory();
    let (shard, zones) = sample_zones();
    let mut others = zones.clone();
    others.truncate(1);
    let chunks = catalogue::write(&directory, 7, &[(shard, zones.clone()), (shard, others.clone())]).unwrap();
    assert_eq!(directory.catalogue_names().unwrap(), ["0000000000000007"]);
    assert_eq!(chunks[1].offset, chunks[0].length);
    assert_eq!(catalogue::read(&directory, &chunks[0]).unwrap(), zones);
    assert_eq!(catalogue::read(&directory, &chunks[1]).unwrap(), others);
    let stray = ChunkEntry { shard: (shard + 1) % SHARDS, ..chunks[0].clone() };
    assert!(matches!(catalogue::read(&directory, &stray).unwrap_err().why, ChunkFault::Stray(_)));
}

#[test]
fn b33_any_damage_of_a_chunk_is_found() {
    let (_temporary, directory) = directory();
    let (shard, zones) = sample_zones();
    let [chunk] = catalogue::write(&directory, 1, &[(shard, zones)]).unwrap().try_into().unwrap();
    let file = directory.catalogue_file(1);
    let octets = fs::read(&file).unwrap();
    for place in 0..octets.len() {
        let mut changed = octets.clone();
        changed[place] ^= 0x10;
        fs::write(&file, &changed).unwrap();
        let error = catalogue::read(&directory, &chunk).unwrap_err();
        assert!(matches!(error.why, ChunkFault::Hash { .. }), "octet {place}: {error}");
        fs::write(&file, &octets[..place]).unwrap();
        let error = catalogue::read(&directory, &chunk).unwrap_err();
        assert!(matches!(error.why, ChunkFault::Unreadable(_)), "{place} octets: {error}");
    }
    let huge = ChunkEntry { length: u64::MAX, ..chunk };
    assert!(catalogue::read(&directory, &huge).is_err());
}

#[test]
fn b32_files_of_the_catalogue_are_named_by_the_manifest_and_the_one_before() {
    let (_temporary, directory) = directory();
    let body = |generation, file| ManifestBody {
        next_catalogue: file + 1,
        catalogue: vec![ChunkEntry { shard: 1, file, offset: 0, length: 1, hash: 0 }],
        ..sample(generation)
    };
    let mut manifest = Manifest::new(directory.clone());
    (1..=3).for_each(|number| manifest.save(&body(number, number)).unwrap());
    let named = |manifest: &Manifest| (1..=4).filter(|file| manifest.names_catalogue(*file)).collect::<Vec<_>>();
    assert_eq!(named(&manifest), [2, 3]);
    let mut again = Manifest::new(directory.clone());
    again.load().unwrap();
    assert_eq!(named(&again), [2, 3]);
    fs::write(directory.manifest(), b"garbage").unwrap();
    let mut fallen_back = Manifest::new(directory.clone());
    fallen_back.load().unwrap();
    assert_eq!(named(&fallen_back), [2]);
    fallen_back.save(&body(9, 4)).unwrap();
    assert_eq!(named(&fallen_back), [2, 4]);
}

proptest! {
    #[test]
    fn any_path_serial_and_hash_comes_back(path in proptest::collection::vec(1_u8.., 1..40), serial: Option<u32>, hash: u128, time: i64) {
        let (_temporary, directory) = directory();
        let (shard, mut zones) = sample_zones();
        zones[0].serial = serial;
        zones[0].stamps[0].path = Path::new(&OsString::from_vec(path)).into();
        zones[0].stamps[0].content_hash = hash;
        zones[0].stamps[0].mtime_ns = time;
        let chunks = catalogue::write(&directory, 1, &[(shard, zones.clone())]).unwrap();
        prop_assert_eq!(catalogue::read(&directory, &chunks[0]).unwrap(), zones);
    }

    #[test]
    fn b33_any_damage_of_the_file_on_disk_falls_back(place in any::<prop::sample::Index>(), octet: u8, cut: bool) {
        let (_temporary, directory) = directory();
        fs::write(directory.manifest_previous(), encode(&sample(1)).unwrap()).unwrap();
        let mut octets = encode(&sample(2)).unwrap();
        let place = place.index(octets.len());
        if cut {
            octets.truncate(place);
        } else {
            prop_assume!(octets[place] != octet);
            octets[place] = octet;
        }
        fs::write(directory.manifest(), &octets).unwrap();
        let is_fall_back = matches!(load(&directory), Loaded::Previous { body, damage: Some(_) } if body == sample(1));
        prop_assert!(is_fall_back);
    }
}
