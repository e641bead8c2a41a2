//! Generated zones as files, for whoever wants to look at one or to hand it to another program.

use std::fs::File;
use std::io::BufWriter;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use workload::{Kind, Workload, ZoneFiles};

use crate::{Outcome, count};

/// Which zone, and how.
#[derive(Args)]
pub struct Options {
    /// What the zone is like: tld, registry, flat, deep; many and hosting write a file a zone
    #[arg(long, default_value = "registry", value_parser = kind)]
    kind: Kind,
    /// Names of the zone
    #[arg(long, default_value = "1m", value_parser = count)]
    names: usize,
    /// What it is drawn from
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// With an NSEC chain and signatures
    #[arg(long)]
    signed: bool,
    /// How lines are written
    #[arg(long, value_enum, default_value_t = Form::Whole)]
    form: Form,
    /// The file; for many zones a folder that is there
    out: PathBuf,
}

/// How lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Form {
    /// Whole names, in canonical order
    Whole,
    /// Names below $ORIGIN, no owner or TTL twice, in canonical order
    Relative,
    /// Whole names in no order
    Shuffled,
}

/// Writes it.
pub fn run(options: &Options) -> Outcome<()> {
    let zone = Workload::new(options.kind, options.names, options.seed);
    let zone = if options.signed { zone.with_nsec() } else { zone };
    if matches!(options.kind, Kind::Many | Kind::Hosting) {
        let mut files = ZoneFiles::new(&options.out);
        zone.write(&mut files)?;
        files.finish()?;
        return Ok(());
    }
    let out = BufWriter::with_capacity(1 << 20, File::create(&options.out)?);
    match options.form {
        Form::Whole => zone.write_text(out).map(drop)?,
        Form::Relative => zone.write_relative_text(out)?,
        Form::Shuffled => zone.write_shuffled_text(options.seed, out).map(drop)?,
    }
    Ok(())
}

/// Reads a kind by its name.
fn kind(text: &str) -> Result<Kind, String> {
    let found = Kind::ALL.into_iter().find(|kind| kind.name() == text);
    found.ok_or_else(|| format!("expected one of {}", Kind::ALL.map(Kind::name).join(", ")))
}
