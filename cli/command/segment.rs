//! `trine segment`: segment files, with no server needed.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Arg, ArgMatches, Command, value_parser};
use dns::text::{absolute_name, origin_from_path, present, zonefile};
use dns::types::Rtype;
use serde_json::{Value, json};
use zone_segment::{Find, HashKey, LookupName, Mapping, Name, Node, Segment, SegmentWriter, ZoneId};

use super::{json_flag, print, wants_json};
use crate::exit::Exit;
use crate::supervisor::Chain;

/// A segment that is open.
type Open = Arc<Segment<Mapping>>;

/// The command.
pub(super) fn command() -> Command {
    let file = || Arg::new("file").value_name("FILE").value_parser(value_parser!(PathBuf)).required(true);
    let build = Command::new("build")
        .about("Build a segment from zone files, each the zone of its name")
        .arg(
            Arg::new("output")
                .long("output")
                .value_name("FILE")
                .value_parser(value_parser!(PathBuf))
                .required(true)
                .help("The segment file to write"),
        )
        .arg(
            Arg::new("key")
                .long("key")
                .value_name("HEX")
                .value_parser(key)
                .default_value("00000000000000000000000000000000")
                .help("The key of the name hash, 32 hexadecimal digits; a server draws its own"),
        )
        .arg(file().num_args(1..).help("Zone files"));
    let show =
        Command::new("show").about("Show what a segment holds and where its octets go").arg(file()).arg(json_flag());
    let lookup = Command::new("lookup")
        .about("Look a name up in a segment")
        .arg(file())
        .arg(Arg::new("name").value_name("NAME").value_parser(absolute_name).required(true))
        .arg(Arg::new("type").value_name("TYPE").value_parser(rtype).help("Only this type [default: every type]"))
        .arg(json_flag());
    let verify = Command::new("verify")
        .about("Compare every block of segments with its hash")
        .arg(file().num_args(1..).help("Segment files"))
        .arg(json_flag());
    Command::new("segment").about("Segment files").subcommand_required(true).subcommands([build, show, lookup, verify])
}

/// Runs it.
pub(super) fn run(matches: &ArgMatches) -> Exit {
    let outcome = match matches.subcommand() {
        Some(("build", matches)) => build(matches),
        Some(("show", matches)) => show(matches),
        Some(("lookup", matches)) => lookup(matches),
        Some(("verify", matches)) => Ok(verify(matches)),
        _ => return Exit::Usage,
    };
    outcome.unwrap_or_else(|message| print::failed(&message))
}

/// A record type by its mnemonic.
fn rtype(text: &str) -> Result<Rtype, String> {
    text.parse().map_err(|_| "expected a record type, such as NS or TYPE65280".to_owned())
}

/// A key in hexadecimal.
fn key(text: &str) -> Result<HashKey, String> {
    let number = u128::from_str_radix(text, 16).ok().filter(|_| text.len() == 32);
    let number = number.ok_or_else(|| format!("expected 32 hexadecimal digits, found {text:?}"))?;
    Ok(HashKey(number.to_be_bytes()))
}

/// Opens a segment file.
fn open(path: &Path) -> Result<Open, String> {
    let file = std::fs::File::open(path).map_err(|error| format!("opening {}: {error}", path.display()))?;
    zone_segment::map(&file).map(Arc::new).map_err(|error| format!("opening {}: {}", path.display(), Chain(&error)))
}

/// The file argument.
fn file(matches: &ArgMatches) -> PathBuf {
    matches.get_one::<PathBuf>("file").cloned().unwrap_or_default()
}

/// `trine segment build`.
fn build(matches: &ArgMatches) -> Result<Exit, String> {
    let key = matches.get_one::<HashKey>("key").copied().unwrap_or(HashKey([0; 16]));
    let mut zones = Vec::new();
    for path in matches.get_many::<PathBuf>("file").into_iter().flatten() {
        let apex = origin_from_path(path).map_err(|error| format!("{}: {error}", path.display()))?;
        zones.push((apex, path));
    }
    zones.sort();
    let mut writer = SegmentWriter::new(key);
    for (id, (apex, path)) in (1..).zip(&zones) {
        let zone = zonefile::read(path, apex);
        let mut records = zone.records;
        let report = dns::check::zone(apex, &mut records, &zone.files);
        let errors = zone.errors.iter().map(ToString::to_string).chain(report.errors.iter().map(ToString::to_string));
        let errors: Vec<String> = errors.collect();
        if !errors.is_empty() {
            return Err(format!("building a segment: zone {apex} has errors\n{}", errors.join("\n")));
        }
        let failed = |error| format!("building zone {apex}: {}", Chain(&error));
        writer.start_zone(ZoneId(id), apex.as_ref()).map_err(failed)?;
        for rrset in dns::rrsets(&records) {
            let rdata: Vec<&[u8]> = rrset.rdata().collect();
            writer.rrset(rrset.owner(), rrset.rtype().0, rrset.ttl(), &rdata).map_err(failed)?;
        }
    }
    let octets = writer.finish().map_err(|error| format!("building a segment: {}", Chain(&error)))?;
    let output = matches.get_one::<PathBuf>("output").cloned().unwrap_or_default();
    let directory = output.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let name = output.file_name().and_then(|name| name.to_str());
    let name = name.ok_or_else(|| format!("writing {}: expected a file name", output.display()))?;
    zone_segment::write_file(directory, name, octets.as_ref()).map_err(|error| Chain(&error).to_string())?;
    Ok(Exit::Done)
}

/// `trine segment show`.
fn show(matches: &ArgMatches) -> Result<Exit, String> {
    let segment = open(&file(matches))?;
    let statistics = segment.statistics();
    if wants_json(matches) {
        let parts =
            statistics.parts.iter().map(|part| json!({"part": part.part, "rows": part.rows, "octets": part.octets}));
        return Ok(print::json(&json!({
            "kind": segment.kind().to_string(),
            "format_version": zone_segment::FORMAT_VERSION,
            "builder": segment.builder(),
            "content_hash": format!("{:032x}", segment.content_hash()),
            "octets": statistics.octets,
            "blocks": segment.block_count(),
            "zones": statistics.zones,
            "names": statistics.names,
            "records": statistics.records,
            "parts": parts.collect::<Vec<Value>>(),
        })));
    }
    print::text_line(&format!(
        "{} segment, format {}, built by {}\ncontent {:032x}, {} octets in {} blocks\n{} zones, {} names, {} records\n",
        segment.kind(),
        zone_segment::FORMAT_VERSION,
        segment.builder(),
        segment.content_hash(),
        statistics.octets,
        segment.block_count(),
        statistics.zones,
        statistics.names,
        statistics.records
    ));
    let per_name = |octets: u64| match statistics.names {
        0 => "-".to_owned(),
        names => format!("{}.{}", octets / names, octets * 10 / names % 10),
    };
    let row = |part: &zone_segment::PartStatistics| {
        [part.part.to_owned(), part.rows.to_string(), part.octets.to_string(), per_name(part.octets)]
    };
    Ok(print::table(["PART", "ROWS", "OCTETS", "A NAME"], &statistics.parts.iter().map(row).collect::<Vec<_>>()))
}

/// `trine segment lookup`.
fn lookup(matches: &ArgMatches) -> Result<Exit, String> {
    let path = file(matches);
    let segment = open(&path)?;
    let name = matches.get_one::<Name>("name").cloned().unwrap_or_else(Name::root);
    let only = matches.get_one::<Rtype>("type").copied();
    let key = LookupName::new(segment.key(), name.as_ref());
    let Some(zone) = segment.find_zone(&key) else {
        return Err(format!("{}: no zone of {name} is in this segment", path.display()));
    };
    let (outcome, node) = match zone.find(&key) {
        Find::Name(node) if node.is_empty_non_terminal() => ("empty non-terminal", node),
        Find::Name(node) => ("exists", node),
        Find::Cut(node) => ("zone cut", node),
        Find::Dname(node) => ("below a DNAME", node),
        Find::Wildcard { source, .. } => ("wildcard", source),
        Find::NoName { closest_encloser } => ("no such name; the closest encloser is", closest_encloser),
    };
    let records = records(&node, only);
    if wants_json(matches) {
        return Ok(print::json(&json!({
            "zone": zone.apex().to_string(),
            "outcome": outcome,
            "node": node.name().to_string(),
            "records": records,
        })));
    }
    print::text_line(&format!(";; zone {}: {outcome}: {}", zone.apex(), node.name()));
    Ok(if records.is_empty() { Exit::Done } else { print::text_line(&records.join("\n")) })
}

/// The records at a node in presentation format, signatures behind what they cover.
fn records(node: &Node<'_>, only: Option<Rtype>) -> Vec<String> {
    let mut lines = Vec::new();
    for rrset in node.rrsets().filter(|rrset| only.is_none_or(|only| only.0 == rrset.rtype())) {
        let rtype = Rtype(rrset.rtype());
        lines.extend(rrset.rdata().map(|rdata| present::record(node.name(), rrset.ttl(), rtype, rdata)));
        let ttl = rrset.signature_ttl();
        lines.extend(rrset.signatures().map(|rdata| present::record(node.name(), ttl, Rtype::RRSIG, rdata)));
    }
    lines
}

/// `trine segment verify`.
fn verify(matches: &ArgMatches) -> Exit {
    let mut results = Vec::new();
    for path in matches.get_many::<PathBuf>("file").into_iter().flatten() {
        let error = zone_segment::verify_file(path).err().map(|error| Chain(&error).to_string());
        results.push((path, error));
    }
    let sound = results.iter().all(|(_, error)| error.is_none());
    if wants_json(matches) {
        let rows = results.iter().map(|(path, error)| json!({"file": path, "error": error}));
        print::json(&rows.collect::<Vec<Value>>());
    } else {
        for (path, error) in &results {
            match error {
                Some(error) => eprintln!("trine: {error}"),
                None => drop(print::text_line(&format!("{}: sound", path.display()))),
            }
        }
    }
    if sound { Exit::Done } else { Exit::Failed }
}
