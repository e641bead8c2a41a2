//! Trine's segment beside what one would pick instead: the same names, the same run, the same machine.
//!
//! Not part of the workspace: `cargo run --release --manifest-path benches/peers/Cargo.toml -- lookup`. Read `lookup` first: it
//! runs everything and writes a page. `trine` asks the segment, `stores` are the others, `content` is what all of them hold,
//! `goals` compares figures with what they should be. `mapping` compares ways to map a segment, and `load` compares
//! whole servers: how they load zones, `answer` how they answer, `update` how they change zones, and
//! `transfer` how they give them away; `servers`, `start`, `question` and `processes` are what all four stand on. `large` runs the test of a
//! segment over 4 GiB, `write` writes a generated zone to a file.
//!
//! Unsafe code: `mapped.rs` maps files in ways the product does not, `stores/lmdb.rs` and `stores/sync.rs` open files of others.

mod answer;
mod content;
mod extras;
mod goals;
mod keys;
mod large;
mod load;
mod lookup;
mod machine;
mod mapped;
mod mapping;
mod page;
mod processes;
mod question;
mod run;
mod servers;
mod start;
mod stores;
mod transfer;
mod trine;
mod update;
mod write;

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use measure::Settings;

/// Whatever went wrong, with what was being done.
type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

/// The command line.
#[derive(Parser)]
#[command(about = "Trine's segment beside what one would pick instead")]
struct CommandLine {
    /// What to measure.
    #[command(subcommand)]
    command: Command,
}

/// What to measure.
#[derive(Subcommand)]
enum Command {
    /// Lookups in a segment and in other structures, and whether the goals are met
    Lookup(Options),
    /// Ways to map one segment
    Mapping(Options),
    /// The ignored test of a segment over 4 GiB
    Large,
    /// Loading zones: Trine and other servers, from text to the first answer, and whether the goals are met
    Load(load::Options),
    /// Answering: Trine beside a bare echo and other servers, each on one core, and whether the goals are met
    Answer(answer::Options),
    /// Changing zones: Trine beside servers that change theirs in place, and whether the goals are met
    Update(update::Options),
    /// Giving zones away: Trine beside others, and whether the goals are met
    Transfer(transfer::Options),
    /// Sends datagrams back: what `answer` measures in a process of its own
    #[command(hide = true)]
    EchoOnce {
        /// The port
        port: u16,
    },
    /// Answers queries without a network: what `answer` counts instructions of
    #[command(hide = true)]
    AnswerOnce {
        /// Names of the zone
        names: usize,
        /// How many queries
        queries: usize,
        /// To a signed registry's zone, not to one of hosts
        #[arg(long)]
        signed: bool,
    },
    /// Scans a zone file into columns once: what `load` measures in a process of its own
    #[command(hide = true)]
    ScanOnce {
        /// The apex
        apex: String,
        /// The file
        file: PathBuf,
    },
    /// Nothing: writes a generated zone to a file
    Write(write::Options),
}

/// How to measure.
#[derive(Args)]
struct Options {
    /// Delegations of each zone: numbers, `k` and `m` stand for thousands and millions
    #[arg(long, value_delimiter = ',', default_value = "100k,1m,10m", value_parser = count)]
    names: Vec<usize>,
    /// 20,000 names and a few milliseconds a figure: shows that everything works, not how fast it is
    #[arg(long)]
    quick: bool,
    /// Folder for the page and its plots; without it they are printed only
    #[arg(long)]
    out: Option<PathBuf>,
    /// Folder on the disk for segments and databases, removed in the end
    #[arg(long, default_value_os_t = std::env::temp_dir())]
    scratch: PathBuf,
    /// What zones and queries are drawn from
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Milliseconds that each figure is measured for
    #[arg(long, default_value_t = 1_000)]
    milliseconds: u64,
}

impl Options {
    /// The sizes to measure.
    fn sizes(&self) -> Vec<usize> {
        if self.quick { vec![QUICK_NAMES] } else { self.names.clone() }
    }

    /// How long to measure.
    fn settings(&self) -> Settings {
        let (slice, total, warm_up) = if self.quick { (1, 5, 1) } else { (10, self.milliseconds, 50) };
        let milliseconds = Duration::from_millis;
        Settings {
            slice: milliseconds(slice),
            total_per_subject: milliseconds(total),
            warm_up: milliseconds(warm_up),
            seed: self.seed,
        }
    }
}

fn main() -> Outcome<()> {
    match CommandLine::parse().command {
        Command::Lookup(options) => lookup::run(&options),
        Command::Mapping(options) => mapping::run(&options),
        Command::Large => large::run(),
        Command::Load(options) => load::run(&options),
        Command::Answer(options) => answer::run(&options),
        Command::Update(options) => update::run(&options),
        Command::Transfer(options) => transfer::run(&options),
        Command::EchoOnce { port } => answer::echo_once(port),
        Command::AnswerOnce { names, queries, signed } => answer::answer_once(names, queries, signed),
        Command::ScanOnce { apex, file } => load::scan_once(&apex, &file),
        Command::Write(options) => write::run(&options),
    }
}

/// Reads a number of names.
fn count(text: &str) -> Result<usize, String> {
    let text = text.to_ascii_lowercase();
    let (digits, unit) = match text.strip_suffix('k') {
        Some(digits) => (digits, 1_000),
        None => text.strip_suffix('m').map_or((&*text, 1), |digits| (digits, 1_000_000)),
    };
    match digits.parse::<usize>() {
        Ok(number) if number > 0 => Ok(number * unit),
        _ => Err(format!("expected a number such as 100k or 1m, found {text}")),
    }
}

/// Names of a quick run.
const QUICK_NAMES: usize = 20_000;
