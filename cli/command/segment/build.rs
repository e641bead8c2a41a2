//! `trine segment build`: a segment from zone files.

use std::path::{Path, PathBuf};

use clap::{Arg, ArgMatches, Command, value_parser};
use dns::SortedZone;
use dns::text::origin_from_path;
use dns::text::zonefile::{Buffers, Options};
use zone_segment::{HashKey, SegmentBuilder, ZoneId};

use super::file_argument;
use crate::exit::Exit;
use crate::supervisor::Chain;

/// The command.
pub(super) fn command() -> Command {
    Command::new("build")
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
        .arg(file_argument().num_args(1..).help("Zone files"))
}

/// Runs it.
pub(super) fn run(matches: &ArgMatches) -> Result<Exit, String> {
    let key = matches.get_one::<HashKey>("key").copied().unwrap_or(HashKey([0; 16]));
    let files: Vec<&PathBuf> = matches.get_many("file").into_iter().flatten().collect();
    let output = matches.get_one::<PathBuf>("output").cloned().unwrap_or_default();
    let directory = output.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let name = output.file_name().and_then(|name| name.to_str());
    let name = name.ok_or_else(|| format!("writing {}: expected a file name", output.display()))?;
    builder(key, &files)?.write_file(directory, name).map_err(|error| Chain(&error).to_string())?;
    Ok(Exit::Done)
}

/// A key in hexadecimal.
fn key(text: &str) -> Result<HashKey, String> {
    let number = u128::from_str_radix(text, 16).ok().filter(|_| text.len() == 32);
    let number = number.ok_or_else(|| format!("expected 32 hexadecimal digits, found {text:?}"))?;
    Ok(HashKey(number.to_be_bytes()))
}

/// The segment of zone files, ready to be written.
pub(super) fn builder(key: HashKey, files: &[&PathBuf]) -> Result<SegmentBuilder<'static>, String> {
    let mut zones = Vec::new();
    for path in files {
        let apex = origin_from_path(path).map_err(|error| format!("{}: {error}", path.display()))?;
        zones.push((apex, path));
    }
    zones.sort();
    let mut builder = SegmentBuilder::new(key);
    let mut buffers = Buffers::default();
    for (id, (apex, path)) in (1..).zip(zones) {
        let file = buffers.read(path, &apex, &Options::default());
        let zone = SortedZone::new(apex.clone(), file.columns);
        let report = dns::check::zone(&zone);
        let errors = file.errors.iter().map(ToString::to_string).chain(report.errors.iter().map(ToString::to_string));
        let errors: Vec<String> = errors.collect();
        if !errors.is_empty() {
            return Err(format!("building a segment: zone {apex} has errors\n{}", errors.join("\n")));
        }
        builder.zone(ZoneId(id), apex, zone).map_err(|error| Chain(&error).to_string())?;
    }
    Ok(builder)
}
