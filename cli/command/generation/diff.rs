//! `trine generation diff`: what changed from one generation to another.

use std::io::{self, Write};

use bus::protocol::control::{Command as Ask, ZoneDifference};
use clap::{Arg, ArgMatches, Command, value_parser};

use super::super::{control, json_flag, print, wants_json};
use crate::exit::Exit;

/// The command.
pub(super) fn command() -> Command {
    let number = |name: &'static str| Arg::new(name).required(true).value_parser(value_parser!(u64));
    control::declare(
        Command::new("diff").about("Print the records that came and went from one generation to another").after_help(
            "Change by change, oldest first, as the journal has them: records that went with -, records that came with +. How far back it reaches is \
             `journal-size`.",
        ),
    )
    .arg(number("from").value_name("FROM").help("The older generation"))
    .arg(number("to").value_name("TO").help("The newer generation"))
    .arg(Arg::new("zone").long("zone").value_name("ZONE").help("Only this zone [default: every zone]"))
    .arg(json_flag())
}

/// Runs it.
pub(super) fn run(matches: &ArgMatches) -> Exit {
    let (Some(&from), Some(&to)) = (matches.get_one::<u64>("from"), matches.get_one::<u64>("to")) else {
        return Exit::Usage;
    };
    let zone = matches.get_one::<String>("zone").cloned();
    control::ask_and(matches, &Ask::DiffGenerations { from, to, zone }, |differences: Vec<ZoneDifference>| {
        if wants_json(matches) {
            return print::json(&differences);
        }
        print::stream(|out| {
            differences.iter().try_for_each(|difference| write(out, difference))?;
            Ok(Exit::Done)
        })
    })
}

/// Writes a change as people read it.
fn write(out: &mut dyn Write, difference: &ZoneDifference) -> io::Result<()> {
    let ZoneDifference { zone, generation, from, to, removed, added } = difference;
    writeln!(out, "{zone} {from} -> {to}, generation {generation}")?;
    removed.iter().try_for_each(|record| writeln!(out, "- {record}"))?;
    added.iter().try_for_each(|record| writeln!(out, "+ {record}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_written_with_its_records() {
        let difference = ZoneDifference {
            zone: "example.".to_owned(),
            generation: 9,
            from: 1,
            to: 2,
            removed: vec!["a.example. 1 IN A 192.0.2.1".to_owned()],
            added: vec!["b.example. 1 IN A 192.0.2.1".to_owned()],
        };
        let mut out = Vec::new();
        write(&mut out, &difference).unwrap();
        let expected = "example. 1 -> 2, generation 9\n- a.example. 1 IN A 192.0.2.1\n+ b.example. 1 IN A 192.0.2.1\n";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }
}
