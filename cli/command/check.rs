//! `trine check`: reads zone files as the server would and says everything that is wrong with them.

use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use dns::check::{Options, zone_serial};
use dns::columns::SortedZone;
use dns::text::{Severity, ZoneFileError, absolute_name, origin_from_path, signature_time, zonefile};
use serde::Serialize;
use zone_segment::Name;

use super::{json_flag, print, wants_json};
use crate::exit::Exit;

/// The command.
pub(super) fn command() -> Command {
    Command::new("check")
        .about("Check zone files as the server would read them")
        .long_about(
            "Check zone files as the server would read them, and more: delegations and glue, aliases, chains and signatures of DNSSEC. \
             All findings are told, on standard error; a line a file sums them up. The rules are in docs/zone-file-format.md.",
        )
        .arg(
            Arg::new("origin")
                .long("origin")
                .value_name("NAME")
                .value_parser(absolute_name)
                .help("The zone's name [default: from the file's name]"),
        )
        .arg(
            Arg::new("zonemd")
                .long("zonemd")
                .action(ArgAction::SetTrue)
                .help("Verify the zone's digest (ZONEMD, RFC 8976)"),
        )
        .arg(
            Arg::new("at")
                .long("at")
                .value_name("TIME")
                .value_parser(time)
                .help("When signatures have to be valid: YYYYMMDDHHmmSS or seconds since 1970 [default: now]"),
        )
        .arg(
            Arg::new("max")
                .long("max")
                .value_name("NUMBER")
                .value_parser(value_parser!(usize))
                .help("Tell so many errors and so many warnings of the checks of each file [default: all]"),
        )
        .arg(
            Arg::new("file")
                .value_name("FILE")
                .value_parser(value_parser!(PathBuf))
                .num_args(1..)
                .required(true)
                .help("Zone files"),
        )
        .arg(json_flag())
}

/// What was found in all files.
#[derive(Debug, Default, Serialize)]
struct Report {
    /// Each file.
    files: Vec<Checked>,
    /// What was found, file by file: first what keeps it from being served.
    findings: Vec<Finding>,
}

/// What was found in one file.
#[derive(Debug, Serialize)]
struct Checked {
    /// The file.
    file: PathBuf,
    /// The zone it was read as.
    zone: Option<String>,
    /// The SOA's serial.
    serial: Option<u32>,
    /// Resource records.
    records: u64,
    /// How many findings keep it from being served.
    errors: usize,
    /// How many do not.
    warnings: usize,
    /// How many findings are not told, because of `--max`.
    left_out: usize,
}

/// One finding.
#[derive(Debug, Serialize)]
struct Finding {
    /// The file: the one that was named, or one that it includes.
    file: PathBuf,
    /// The line, from 1; none where it is about the file or the zone as a whole.
    line: Option<u32>,
    /// The column, in characters from 1; 1 where it is about a record.
    column: Option<u32>,
    /// `error` or `warning`.
    severity: String,
    /// The rule's name.
    rule: &'static str,
    /// What is wrong, and with what.
    text: String,
    /// What to do about it, where that is obvious.
    remedy: Option<&'static str>,
    /// The line that people read.
    #[serde(skip)]
    line_of_text: String,
}

impl From<&ZoneFileError> for Finding {
    fn from(error: &ZoneFileError) -> Self {
        let text = match &error.text {
            Some(text) => format!("{}: `{text}`", error.reason),
            None => error.reason.to_string(),
        };
        Self {
            file: error.path.clone(),
            line: error.place.map(|place| place.line),
            column: error.place.map(|place| place.column),
            severity: error.severity.to_string(),
            rule: error.reason.name(),
            text,
            remedy: error.reason.remedy(),
            line_of_text: error.to_string(),
        }
    }
}

impl From<&dns::check::Finding> for Finding {
    fn from(finding: &dns::check::Finding) -> Self {
        let has_line = finding.line > 0;
        Self {
            file: finding.path.clone(),
            line: has_line.then_some(finding.line),
            column: has_line.then_some(1),
            severity: finding.rule.severity().to_string(),
            rule: finding.rule.name(),
            text: format!("{}: `{}`", finding.rule.text(), finding.text),
            remedy: finding.rule.remedy(),
            line_of_text: finding.to_string(),
        }
    }
}

/// Runs it.
pub(super) fn run(matches: &ArgMatches) -> Exit {
    let origin = matches.get_one::<Name>("origin");
    let options = Options {
        at: matches.get_one("at").copied().or_else(now),
        zonemd: matches.get_flag("zonemd"),
        findings_max: matches.get_one("max").copied().unwrap_or(usize::MAX),
    };
    let is_json = wants_json(matches);
    let mut report = Report::default();
    for file in matches.get_many::<PathBuf>("file").into_iter().flatten() {
        let (checked, findings) = check(file, origin, &options);
        if !is_json {
            findings.iter().for_each(|finding| eprintln!("{}", finding.line_of_text));
            if print::text_line(&summary(&checked)) != Exit::Done {
                return Exit::Failed;
            }
        }
        report.files.push(checked);
        report.findings.extend(findings);
    }
    if is_json && print::json(&report) != Exit::Done {
        return Exit::Failed;
    }
    if report.files.iter().all(|file| file.errors == 0) { Exit::Done } else { Exit::Failed }
}

/// Checks one file.
fn check(file: &Path, origin: Option<&Name>, options: &Options) -> (Checked, Vec<Finding>) {
    let mut checked =
        Checked { file: file.to_owned(), zone: None, serial: None, records: 0, errors: 0, warnings: 0, left_out: 0 };
    let apex = match origin.cloned().map_or_else(|| origin_from_path(file), Ok) {
        Ok(apex) => apex,
        Err(error) => {
            checked.errors = 1;
            return (checked, vec![nameless(file, &error)]);
        }
    };
    let read = zonefile::read(file, &apex, &zonefile::Options::default());
    checked.zone = Some(apex.to_string());
    let mut findings: Vec<Finding> = read.errors.iter().chain(&read.warnings).map(Finding::from).collect();
    let is_whole = read.errors.is_empty();
    checked.records = read.columns.records();
    // Of half a zone the checks would say what is not so.
    if is_whole {
        let zone = SortedZone::new(apex, read.columns);
        checked.serial = zone_serial(&zone);
        let report = dns::check::all(&zone, options);
        checked.left_out = report.left_out;
        findings.extend(report.errors.iter().chain(&report.warnings).map(Finding::from));
    }
    checked.errors = findings.iter().filter(|finding| finding.severity == Severity::Error.to_string()).count();
    checked.warnings = findings.len() - checked.errors;
    (checked, findings)
}

/// The finding that a file's name is not that of a zone.
fn nameless(file: &Path, error: &dns::text::origin::OriginError) -> Finding {
    let remedy = "give its name with --origin";
    Finding {
        file: file.to_owned(),
        line: None,
        column: None,
        severity: Severity::Error.to_string(),
        rule: "file-name",
        text: error.to_string(),
        remedy: Some(remedy),
        line_of_text: format!("{}: error: {error}; {remedy}", file.display()),
    }
}

/// The line that sums a file up.
fn summary(checked: &Checked) -> String {
    let count = |count: usize, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
    let zone = checked.zone.as_deref().unwrap_or("no zone");
    let serial = checked.serial.map(|serial| format!(", serial {serial}")).unwrap_or_default();
    let left_out = if checked.left_out > 0 { format!(", {} not told", checked.left_out) } else { String::new() };
    format!(
        "{}: {zone}{serial}, {} records, {}, {}{left_out}",
        checked.file.display(),
        checked.records,
        count(checked.errors, "error"),
        count(checked.warnings, "warning"),
    )
}

/// A time as signatures have it.
fn time(text: &str) -> Result<u32, String> {
    signature_time(text.as_bytes()).ok_or_else(|| "expected YYYYMMDDHHmmSS or seconds since 1970".to_owned())
}

/// The time, as signatures have it: it wraps as they do.
fn now() -> Option<u32> {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).ok()?.as_secs();
    u32::try_from(seconds & u64::from(u32::MAX)).ok()
}
