//! Segment files from the command line: built, shown, looked up in, verified, dumped and compared.

use std::collections::{BTreeSet, HashSet};
use std::path::{Path, PathBuf};

use serde_json::Value;
use tempfile::TempDir;

use crate::commands::{DONE, FAILED, Ran, assert_fields, run};
use crate::harness::zones;

/// A directory for zone files and segments.
struct Place(TempDir);

impl Place {
    /// An empty one.
    fn new() -> Place {
        Place(tempfile::tempdir().unwrap())
    }

    /// The path of a file in it.
    fn path(&self, name: &str) -> String {
        self.0.path().join(name).to_str().unwrap().to_owned()
    }

    /// Writes the zone file of an apex into a folder of its own: its name is the zone's.
    fn zone(&self, folder: &str, apex: &str, text: &str) -> String {
        std::fs::create_dir_all(self.0.path().join(folder)).unwrap();
        let path = self.path(&format!("{folder}/{}zone", if apex == "." { "root." } else { apex }));
        std::fs::write(&path, text).unwrap();
        path
    }

    /// Builds a segment of zone files.
    fn build(&self, name: &str, zones: &[&str]) -> String {
        let segment = self.path(name);
        let built = run(&[&["segment", "build", "--output", &segment], zones].concat());
        assert_eq!((built.code, built.out.as_str(), built.err.as_str()), (DONE, "", ""));
        segment
    }
}

/// What a segment dumps.
fn dump(segment: &str) -> String {
    let Ran { code, out, err } = run(&["segment", "dump", segment]);
    assert_eq!((code, err.as_str()), (DONE, ""));
    out
}

/// The hash of a segment's contents.
fn content_hash(segment: &str) -> Value {
    run(&["segment", "show", segment, "--json"]).json()["content_hash"].clone()
}

#[test]
fn segments_are_built_shown_looked_up_and_verified() {
    let base = tempfile::tempdir().unwrap();
    let zone = base.path().join("example.com.zone");
    std::fs::write(&zone, zones::small("example.com.", 7, 3)).unwrap();
    let (zone, segment) = (zone.to_str().unwrap(), base.path().join("example.segment"));
    let segment = segment.to_str().unwrap();
    let built = run(&["segment", "build", "--output", segment, zone]);
    assert_eq!((built.code, built.out.as_str(), built.err.as_str()), (DONE, "", ""));

    let shown = run(&["segment", "show", segment, "--json"]).json();
    assert_fields(
        &shown,
        &["kind", "format_version", "builder", "content_hash", "octets", "zones", "names", "records", "parts"],
    );
    assert_eq!((&shown["zones"], &shown["names"], &shown["records"]), (&1.into(), &5.into(), &9.into()));
    assert_eq!(shown["octets"].as_u64().unwrap(), Path::new(segment).metadata().unwrap().len());
    assert!(run(&["segment", "show", segment]).out.contains("1 zones, 5 names, 9 records"));

    let found = run(&["segment", "lookup", segment, "host1.example.com", "A"]);
    assert_eq!(found.code, DONE);
    assert!(found.out.contains("host1.example.com. 300 IN A 192.0.2.1"), "{found:?}");
    let missing = run(&["segment", "lookup", segment, "nothing.example.com", "--json"]).json();
    assert_fields(&missing, &["zone", "outcome", "node", "records"]);
    assert_eq!(missing["node"], "example.com.");
    let elsewhere = run(&["segment", "lookup", segment, "example.org"]);
    assert_eq!(elsewhere.code, FAILED, "{elsewhere:?}");

    let sound = run(&["segment", "verify", segment]);
    assert_eq!((sound.code, sound.err.as_str()), (DONE, ""));
    assert_eq!(run(&["segment", "build", "--output", segment, zone]).code, DONE);
    damage(Path::new(segment));
    let damaged = run(&["segment", "verify", segment]);
    assert_eq!(damaged.code, FAILED);
    assert!(damaged.err.contains(segment) && damaged.err.contains("block"), "{damaged:?}");
    let damaged = run(&["segment", "verify", segment, "--json"]);
    assert_eq!(damaged.code, FAILED);
    assert!(damaged.json()[0]["error"].is_string());

    std::fs::write(zone, "www A 192.0.2.1\n").unwrap();
    let unsound = run(&["segment", "build", "--output", segment, zone]);
    assert_eq!(unsound.code, FAILED);
    assert!(unsound.err.contains("example.com."), "{unsound:?}");
    let nothing = run(&["segment", "show", "/nowhere/segment"]);
    assert_eq!(nothing.code, FAILED);
    assert!(nothing.err.contains("/nowhere/segment"), "{nothing:?}");
}

/// Changes one octet of a segment's text, beyond header and root.
fn damage(segment: &Path) {
    let mut octets = std::fs::read(segment).unwrap();
    let at = octets.windows(6).position(|window| window == b"serial").unwrap();
    octets[at] ^= 1;
    std::fs::remove_file(segment).unwrap();
    std::fs::write(segment, octets).unwrap();
}

#[test]
fn a_dumped_zone_is_sound_and_builds_the_same_segment() {
    let examples = |name: &str| {
        let path: PathBuf = [env!("CARGO_MANIFEST_DIR"), "examples/zones", name].iter().collect();
        std::fs::read_to_string(path).unwrap()
    };
    for (apex, text) in [
        ("example.com.", examples("example.com.zone")),
        (".", examples("root.zone")),
        (".", zones::root(zones::ROOT_SERIALS[0])),
    ] {
        let place = Place::new();
        let first = place.build("first", &[&place.zone("given", apex, &text)]);
        let dumped = dump(&first);
        assert!(dumped.lines().next().unwrap().contains(" IN SOA "), "the SOA comes first: {dumped:.80}");
        let zone = place.zone("dumped", apex, &dumped);
        let checked = run(&["check", &zone]);
        // Signatures of real zones have expired since.
        assert!(checked.code == DONE && checked.out.contains(", 0 errors, "), "{}", checked.out);
        let second = place.build("second", &[&zone]);
        assert_eq!(content_hash(&first), content_hash(&second), "{apex}");
        assert_eq!(dumped, dump(&second), "{apex}");
        let records = run(&["segment", "show", &first, "--json"]).json()["records"].as_u64().unwrap();
        assert_eq!(dumped.lines().count() as u64, records, "{apex}");
    }
}

#[test]
fn of_several_zones_each_is_dumped_under_its_name_or_one_by_itself() {
    let place = Place::new();
    let zones = ["b.test.", "a.test.", "c.a.test."].map(|apex| place.zone("zones", apex, &zones::small(apex, 7, 1)));
    let segment = place.build("segment", &zones.each_ref().map(String::as_str));
    let all = dump(&segment);
    let headers: Vec<&str> = all.lines().filter(|line| line.starts_with(';')).collect();
    assert_eq!(headers, ["; zone a.test.", "; zone c.a.test.", "; zone b.test."]);
    let one = run(&["segment", "dump", &segment, "--zone", "B.test"]);
    let expected = "b.test. 300 IN SOA ns.b.test. hostmaster.b.test. 7 3600 900 604800 60\n\
                    b.test. 300 IN NS ns.b.test.\nhost0.b.test. 300 IN A 192.0.2.0\n\
                    host0.b.test. 300 IN TXT \"serial 7\"\nns.b.test. 300 IN A 192.0.2.53\n";
    assert_eq!((one.code, one.out.as_str(), one.err.as_str()), (DONE, expected, ""));
    let none = run(&["segment", "dump", &segment, "--zone", "test"]);
    assert_eq!((none.code, none.out.as_str()), (FAILED, ""));
    assert!(none.err.contains(&segment) && none.err.contains("test."), "{none:?}");
}

#[test]
fn diff_tells_what_a_line_by_line_comparison_of_dumps_tells() {
    let place = Place::new();
    let [old, new] = [0, 1].map(|version| {
        let zone = place.zone(&version.to_string(), ".", &zones::root(zones::ROOT_SERIALS[version]));
        place.build(&format!("{version}.segment"), &[&zone])
    });
    let Ran { code, out, err } = run(&["segment", "diff", &old, &new]);
    assert_eq!((code, err.as_str()), (FAILED, ""));
    let [before, after] = [dump(&old), dump(&new)];
    let only = |one: &str, other: &str| {
        let other: HashSet<&str> = other.lines().collect();
        let mut lines: Vec<String> = one.lines().filter(|line| !other.contains(line)).map(str::to_owned).collect();
        lines.sort();
        lines
    };
    let signed = |sign: &str| {
        let mut lines: Vec<String> =
            out.lines().filter_map(|line| line.strip_prefix(sign)).map(str::to_owned).collect();
        lines.sort();
        lines
    };
    let (removed, added) = (only(&before, &after), only(&after, &before));
    assert!(removed.len() > 1_000 && added.len() > 1_000);
    assert_eq!((signed("- "), signed("+ ")), (removed.clone(), added.clone()));
    assert!(out.starts_with("; zone ., serial 2018012900 before and 2018012901 after\n"), "{out:.80}");
    let summary = format!("zones that differ: 1 of 1; records: -{} +{}", removed.len(), added.len());
    assert_eq!(out.lines().last(), Some(summary.as_str()));

    let json = run(&["segment", "diff", &old, &new, "--json"]);
    assert_eq!(json.code, FAILED);
    let json = json.json();
    assert_fields(&json, &["changes", "equal", "zones", "zones_differing", "removed", "added"]);
    assert_eq!((&json["removed"], &json["added"]), (&removed.len().into(), &added.len().into()));
    assert_eq!(json["changes"].as_array().unwrap().len(), removed.len() + added.len());
    assert_eq!(json["equal"], false);
}

#[test]
fn diff_tells_records_apart_whose_order_hangs_on_the_case_of_letters() {
    let place = Place::new();
    let zone = |folder: &str, servers: &[&str]| {
        let records: String = servers.iter().map(|server| format!("@ NS {server}.other.\n")).collect();
        place.zone(folder, "example.", &format!("$TTL 60\n@ SOA ns.other. h.other. 1 1 1 1 1\n{records}"))
    };
    let old = place.build("old.segment", &[&zone("old", &["B", "a"])]);
    let new = place.build("new.segment", &[&zone("new", &["a"])]);
    let Ran { out, .. } = run(&["segment", "diff", &old, &new]);
    let changes: Vec<&str> = out.lines().filter(|line| line.starts_with(['-', '+'])).collect();
    assert_eq!(changes.len(), 1, "{out}");
    assert!(changes[0].starts_with("- example.") && changes[0].ends_with("B.other."), "{out}");
}

#[test]
fn diff_says_which_zones_and_names_differ_and_in_what() {
    let place = Place::new();
    let zone = |folder: &str, apex: &str, lines: &str| {
        place.zone(
            folder,
            apex,
            &format!("$TTL 300\n@ SOA ns h 7 3600 900 604800 60\n@ NS ns\nns A 192.0.2.53\n{lines}"),
        )
    };
    let same = zone("both", "same.test.", "a.b.c A 192.0.2.1\n");
    let gone = zone("old", "gone.test.", "");
    let come = zone("new", "come.test.", "");
    let before =
        zone("old", "a.test.", "k A 192.0.2.1\nk A 192.0.2.2\nk TXT x\nTTL 60 A 192.0.2.3\nCase A 192.0.2.4\n");
    let after = zone(
        "new",
        "a.test.",
        "k A 192.0.2.2\nk A 192.0.2.9\nk TXT x\nTTL 61 A 192.0.2.3\ncase A 192.0.2.4\nx.y A 192.0.2.5\n",
    );
    let old = place.build("old.segment", &[&same, &gone, &before]);
    let new = place.build("new.segment", &[&after, &same, &come]);
    let Ran { code, out, err } = run(&["segment", "diff", &old, &new]);
    assert_eq!((code, err.as_str()), (FAILED, ""));
    let expected = "\
; zone a.test.
- Case.a.test. 300 IN A 192.0.2.4
+ case.a.test. 300 IN A 192.0.2.4
- k.a.test. 300 IN A 192.0.2.1
+ k.a.test. 300 IN A 192.0.2.9
- TTL.a.test. 60 IN A 192.0.2.3
+ TTL.a.test. 61 IN A 192.0.2.3
+ x.y.a.test. 300 IN A 192.0.2.5
; zone come.test., in the new segment alone
+ come.test. 300 IN NS ns.come.test.
+ come.test. 300 IN SOA ns.come.test. h.come.test. 7 3600 900 604800 60
+ ns.come.test. 300 IN A 192.0.2.53
; zone gone.test., in the old segment alone
- gone.test. 300 IN NS ns.gone.test.
- gone.test. 300 IN SOA ns.gone.test. h.gone.test. 7 3600 900 604800 60
- ns.gone.test. 300 IN A 192.0.2.53
zones that differ: 3 of 4; records: -6 +7
";
    assert_eq!(out, expected);
    let json = run(&["segment", "diff", &old, &new, "--json"]).json();
    assert_eq!(
        json["changes"][0],
        serde_json::json!({"zone": "a.test.", "change": "removed", "record": "Case.a.test. 300 IN A 192.0.2.4"})
    );
    assert_eq!(json["changes"][7], serde_json::json!({"zone": "come.test.", "change": "zone added", "record": null}));

    let alike = run(&["segment", "diff", &old, &old]);
    assert_eq!((alike.code, alike.out.as_str()), (DONE, "no difference; zones compared: 3\n"));
    let alike = run(&["segment", "diff", &old, &old, "--json"]);
    assert_eq!((alike.code, &alike.json()["equal"]), (DONE, &true.into()));
    let nowhere = run(&["segment", "diff", &old, "/nowhere/segment"]);
    assert_eq!((nowhere.code, nowhere.out.as_str()), (FAILED, ""));
    assert!(nowhere.err.contains("/nowhere/segment"), "{nowhere:?}");
}

#[test]
fn show_says_where_every_octet_goes() {
    let place = Place::new();
    let segment = place.build("segment", &[&place.zone("zones", ".", &zones::root(zones::ROOT_SERIALS[0]))]);
    let shown = run(&["segment", "show", &segment, "--json"]).json();
    let nodes = &shown["nodes"];
    assert_fields(nodes, &["fixed", "names", "links", "directories", "padding", "rrsets"]);
    let rrsets = nodes["rrsets"].as_array().unwrap();
    rrsets.iter().for_each(|of_type| assert_fields(of_type, &["type", "rrsets", "shared", "octets"]));
    let inside = ["fixed", "names", "links", "directories", "padding"].map(|part| nodes[part].as_u64().unwrap());
    let of_types = rrsets.iter().map(|of_type| of_type["octets"].as_u64().unwrap());
    let part = shown["parts"].as_array().unwrap().iter().find(|part| part["part"] == "nodes").unwrap();
    assert_eq!(part["octets"], inside.into_iter().chain(of_types).sum::<u64>());

    let table = run(&["segment", "show", &segment]);
    assert_eq!((table.code, table.err.as_str()), (DONE, ""));
    let (_, rows) = table.out.split_once("PART").unwrap();
    let octets = |row: &str| row.split_whitespace().rev().nth(1).unwrap().parse::<u64>().unwrap();
    let parts = rows.lines().skip(1).filter(|row| !row.starts_with("  "));
    assert_eq!(shown["octets"], parts.map(octets).sum::<u64>(), "{}", table.out);
    for row in ["  names ", "  DS RRsets ", "  padding ", "header, root, hashes "] {
        assert!(rows.lines().any(|line| line.starts_with(row)), "no row {row:?}: {}", table.out);
    }
}

/// The figures of lookups, each beside the pair of reads.
const FIGURES: [&str; 11] = [
    "dram_pair_ns",
    "dram_pair_control_ns",
    "key_ns",
    "hit_ns",
    "hit_batch32_ns",
    "referral_ns",
    "referral_batch32_ns",
    "miss_ns",
    "miss_batch32_ns",
    "predecessor_ns",
    "predecessor_batch32_ns",
];

#[test]
fn bench_measures_lookups_beside_the_pair_and_finds_the_same_in_every_run() {
    let place = Place::new();
    let zone = place.zone("zones", ".", &zones::root(zones::ROOT_SERIALS[0]));
    let segment = place.build("segment", &[&zone]);
    let plot = place.path("plot.svg");
    let of_file = run(&["segment", "bench", &segment, "--queries", "2000", "--json", "--plot", &plot]);
    assert_eq!((of_file.code, of_file.err.as_str()), (DONE, ""));
    let of_file = of_file.json();
    for figure in FIGURES {
        assert_fields(&of_file[figure], &["p50", "p99", "mean", "spread"]);
        let number = |key: &str| of_file[figure][key].as_f64().unwrap();
        assert!(number("p50") > 0.0 && number("p50") <= number("p99") && number("mean") > 0.0, "{figure}: {of_file}");
    }
    let shown = run(&["segment", "show", &segment, "--json"]).json();
    for same in ["octets", "names", "records", "zones"] {
        assert_eq!(of_file[same], shown[same], "{same}");
    }
    assert_fields(&of_file, &["octets_per_name", "index_octets_per_name", "order_octets_per_name"]);
    assert_eq!((&of_file["queries"], &of_file["has_predecessors"]), (&2000.into(), &true.into()));
    assert!(of_file["page_sizes"]["kernel_page_octets"].as_u64().unwrap() >= 4096, "{of_file}");
    // Every TLD is a zone cut; the root and the names of its servers' zone are not.
    let cuts =
        dump(&segment).lines().filter(|line| line.contains(" IN NS ")).map(first_word).collect::<BTreeSet<_>>().len();
    assert_eq!(of_file["referral_ns"]["drawn_from_names"], cuts - 1, "all owners of NS records but the apex");

    let of_zone = run(&["segment", "bench", "--zone", &zone, "--queries", "2000", "--json"]);
    assert_eq!((of_zone.code, of_zone.err.as_str()), (DONE, ""));
    let of_zone = of_zone.json();
    assert_eq!((&of_file["checksum"], &of_file["seed"]), (&of_zone["checksum"], &of_zone["seed"]));
    let svg = std::fs::read_to_string(&plot).unwrap();
    for text in ["<svg", "pair of reads", "hit, batches of 32", "predecessor", "</svg>"] {
        assert!(svg.contains(text), "{text} is not in the plot");
    }
}

/// The first word of a line in lower case.
fn first_word(line: &str) -> String {
    line.split(' ').next().unwrap().to_ascii_lowercase()
}

#[test]
fn bench_leaves_out_what_a_zone_does_not_have() {
    let place = Place::new();
    let zone = place.zone("zones", "example.com.", &zones::small("example.com.", 7, 50));
    let bench =
        |arguments: &[&str]| run(&[&["segment", "bench", "--zone", &zone, "--queries", "1000"], arguments].concat());
    let json = bench(&["--json"]).json();
    assert_eq!((&json["referral_ns"], &json["referral_batch32_ns"]), (&Value::Null, &Value::Null));
    assert_eq!((&json["hit_ns"]["drawn_from_names"], &json["has_predecessors"]), (&52.into(), &false.into()));
    assert!(json["predecessor_ns"]["p50"].is_number(), "the search is measured: {json}");
    let table = bench(&[]);
    assert_eq!((table.code, table.err.as_str()), (DONE, ""));
    let row = |name: &str| {
        table.out.lines().find(|line| line.starts_with(name)).map(|line| line[name.len()..].trim()).unwrap()
    };
    assert_eq!(row("referral, batches of 32").split_whitespace().collect::<String>(), "------");
    assert!(row("pair of reads ").contains(" 1.00 "), "{}", table.out);
    assert!(row("hit ").ends_with("52 names"), "{}", table.out);
    assert!(table.out.contains("pages of ") && table.out.contains("not signed with NSEC"), "{}", table.out);
}

#[test]
fn bench_says_what_it_cannot_measure() {
    let place = Place::new();
    let broken = place.zone("zones", "broken.test.", "www A 192.0.2.1\n");
    let sound = place.zone("zones", "example.com.", &zones::small("example.com.", 7, 3));
    for (arguments, says) in [
        (&["/nowhere/segment"][..], "/nowhere/segment"),
        (&["--zone", &broken], "broken.test."),
        (&["--zone", &sound, "--queries", "10", "--plot", "/nowhere/plot.svg"], "/nowhere/plot.svg"),
    ] {
        let Ran { code, out, err } = run(&[&["segment", "bench"], arguments].concat());
        assert_eq!((code, out.as_str()), (FAILED, ""), "{arguments:?}");
        assert!(err.contains(says), "{arguments:?}: {err}");
    }
}
