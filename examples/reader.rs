//! A program of somebody else's that reads live zone data: it attaches to a running server and prints one RRset.
//!
//! ```text
//! cargo run --example reader -- DIR/bus.sock NAME [TYPE] [--follow]
//! ```
//!
//! `DIR` is the server's state directory, `TYPE` is A unless given. Nothing else is needed: no configuration, no zone file, no right
//! to read the state directory. The server hands its segments over the bus as descriptors, the reader maps them, and what is printed
//! comes out of the very memory that the server's own processes answer from. With `--follow` it prints again at each new generation.
//!
//! The server lets in root, its own user, and whom `trine serve --bus-allow USER` names.
//!
//! Read [`run`] first: it is all a reader has to do. [`rrset`] looks one RRset up.

use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

use consumers::reader::Reader;
use dns::text::present;
use dns::types::Rtype;
use zone_segment::{Find, LookupName, Name, ZoneSet};

/// How the program is called.
const USAGE: &str = "usage: reader DIR/bus.sock NAME [TYPE] [--follow]";

/// How long the first generation may take: a server that is up sends it within milliseconds.
const FIRST_WAIT: Duration = Duration::from_secs(10);

/// How long one wait for the next generation lasts; there is no harm in waiting again.
const NEXT_WAIT: Duration = Duration::from_secs(3600);

/// Attaches and prints, once or at each generation.
fn run(arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    let reader = Reader::attach(&arguments.bus)?;
    let mut zones = reader.wait(FIRST_WAIT).ok_or("the server has no generation yet")?;
    if !arguments.follow {
        println!("{}", rrset(&zones, &arguments.name, arguments.rtype)?);
        return Ok(());
    }
    loop {
        // A name that is missing in one generation may be back in the next.
        let text = rrset(&zones, &arguments.name, arguments.rtype).unwrap_or_else(|why| format!("; {why}"));
        let generation = zones.generation();
        println!("; generation {generation}\n{text}");
        // Let go before waiting: the server waits for it before it publishes the generation after the next.
        drop(zones);
        zones = loop {
            if let Some(next) = reader.wait_for_change(generation, NEXT_WAIT) {
                break next;
            }
        };
    }
}

/// The RRset of a name and type in presentation format, or why there is none.
fn rrset(zones: &ZoneSet, name: &Name, rtype: Rtype) -> Result<String, String> {
    let key = LookupName::new(zones.key(), name.as_ref());
    let zone = zones.find_zone(&key).ok_or_else(|| format!("{name}: no zone of this server has it"))?;
    let node = match zone.find(&key) {
        Find::Name(node) => node,
        Find::Wildcard { source, .. } => source,
        Find::Cut(node) if node.name().canonical_cmp(name.as_ref()).is_eq() => node,
        Find::Cut(node) => return Err(format!("{name}: delegated at {}", node.name())),
        Find::Dname(node) => return Err(format!("{name}: redirected at {}", node.name())),
        Find::NoName { .. } => return Err(format!("{name}: no such name in the zone {}", zone.apex())),
    };
    let rrset = node.rrset(rtype.0).ok_or_else(|| format!("{name}: has no {rtype} records"))?;
    let records = rrset.rdata().map(|rdata| present::record(node.name(), rrset.ttl(), rtype, rdata));
    Ok(records.collect::<Vec<_>>().join("\n"))
}

/// The command line.
struct Arguments {
    /// The server's bus socket.
    bus: String,
    /// The name looked up.
    name: Name,
    /// The type looked up.
    rtype: Rtype,
    /// Whether to go on printing.
    follow: bool,
}

impl Arguments {
    /// Reads the command line.
    fn parse(arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let (flags, words): (Vec<String>, Vec<String>) = arguments.partition(|word| word.starts_with("--"));
        if let Some(flag) = flags.iter().find(|flag| *flag != "--follow") {
            return Err(format!("unknown flag {flag}\n{USAGE}"));
        }
        let (bus, name, rtype) = match &words[..] {
            [bus, name] => (bus, name, "A"),
            [bus, name, rtype] => (bus, name, rtype.as_str()),
            _ => return Err(USAGE.to_owned()),
        };
        let absolute = if name.ends_with('.') { name.clone() } else { format!("{name}.") };
        Ok(Arguments {
            bus: bus.clone(),
            name: absolute.parse().map_err(|error| format!("{name:?} is no domain name: {error}"))?,
            rtype: rtype.parse().map_err(|_| format!("{rtype:?} is no record type; expected one such as NS"))?,
            follow: !flags.is_empty(),
        })
    }
}

fn main() -> ExitCode {
    let arguments = match Arguments::parse(std::env::args().skip(1)) {
        Ok(arguments) => arguments,
        Err(message) => {
            eprintln!("reader: {message}");
            return ExitCode::from(2);
        }
    };
    if let Err(error) = run(&arguments) {
        eprint!("reader: {error}");
        let mut cause = error.source();
        while let Some(error) = cause {
            eprint!(": {error}");
            cause = error.source();
        }
        eprintln!();
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}
