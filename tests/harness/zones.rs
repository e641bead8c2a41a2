//! Zone files for tests.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use hickory_proto::rr::{RData, Record, RecordType};

use super::load::Question;

/// The real root zone of a serial, unpacked.
///
/// # Panics
///
/// When there is none of this serial in `tests/data/root-zone`.
pub(crate) fn root(serial: &str) -> String {
    let path = data().join(format!("root-zone/{serial}.zone.zst"));
    let packed = std::fs::File::open(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut text = String::new();
    let mut decoder = ruzstd::decoding::StreamingDecoder::new(packed).unwrap();
    std::io::Read::read_to_string(&mut decoder, &mut text).unwrap();
    text
}

/// The serials of the six versions in a row, oldest first.
pub(crate) const ROOT_SERIALS: [&str; 6] =
    ["2018012900", "2018012901", "2018013000", "2018013001", "2018013002", "2018013100"];

/// Where test data lies.
pub(crate) fn data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data")
}

/// A small sound zone of this serial with `hosts` addresses.
pub(crate) fn small(apex: &str, serial: u32, hosts: usize) -> String {
    let mut text = format!(
        "$ORIGIN {apex}\n$TTL 300\n@ SOA ns.{apex} hostmaster.{apex} {serial} 3600 900 604800 60\n@ NS ns\nns A 192.0.2.53\n"
    );
    for host in 0..hosts {
        writeln!(text, "host{host} A 192.0.2.{}", host % 256).unwrap();
        writeln!(text, "host{host} TXT \"serial {serial}\"").unwrap();
    }
    text
}

/// Puts a zone file in place by rename, as an operator should.
pub(crate) fn install(directory: &Path, file: &str, text: &str) {
    let new = directory.join(format!("{file}.new"));
    std::fs::write(&new, text).unwrap();
    std::fs::rename(&new, directory.join(file)).unwrap();
}

/// Hosts of [`carrying`].
const CARRYING_HOSTS: usize = 60;

/// A zone in which every RRset carries the serial, below 200, in its data: an answer made of two versions shows.
pub(crate) fn carrying(serial: u32) -> String {
    let mut text = format!(
        "$ORIGIN load.test.\n$TTL 300\n@ SOA ns{serial} hostmaster {serial} 3600 900 604800 60\n@ NS ns{serial}\n\
         ns{serial} A 10.{serial}.0.53\n*.wild TXT \"serial {serial}\"\na.deep.ent TXT \"serial {serial}\"\n"
    );
    for host in 0..CARRYING_HOSTS {
        writeln!(text, "host{host} A 10.{serial}.{host}.1\nhost{host} TXT \"serial {serial}\"").unwrap();
        writeln!(text, "alias{host} CNAME target{host}-{serial}\ntarget{host}-{serial} A 10.{serial}.{host}.2")
            .unwrap();
        writeln!(text, "sub{host} NS ns{serial}.sub{host}\nns{serial}.sub{host} A 10.{serial}.{host}.3").unwrap();
    }
    text
}

/// Questions that [`carrying`] answers in every way there is: each answer has a record with the serial.
pub(crate) fn carrying_questions() -> Vec<Question> {
    let mut questions = vec![
        Question::new("load.test.", RecordType::SOA, false),
        Question::new("load.test.", RecordType::NS, false),
        Question::new("ent.load.test.", RecordType::A, false),
    ];
    for host in 0..CARRYING_HOSTS {
        let mut ask = |name: String, rtype| questions.push(Question::new(format!("{name}.load.test."), rtype, false));
        ask(format!("host{host}"), RecordType::A);
        ask(format!("host{host}"), RecordType::TXT);
        ask(format!("host{host}"), RecordType::AAAA);
        ask(format!("alias{host}"), RecordType::A);
        ask(format!("www.sub{host}"), RecordType::A);
        ask(format!("nothing{host}"), RecordType::A);
        ask(format!("any{host}.wild"), RecordType::TXT);
    }
    questions
}

/// The serial that a record of [`carrying`] carries.
pub(crate) fn carried(record: &Record) -> Option<u32> {
    let number = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>().parse().ok();
    match &record.data {
        RData::A(address) => Some(u32::from(address.0.octets()[1])),
        RData::TXT(text) => number(&text.to_string()),
        RData::SOA(soa) => Some(soa.serial),
        RData::NS(name) => number(&String::from_utf8_lossy(name.0.iter().next()?)),
        RData::CNAME(name) => number(String::from_utf8_lossy(name.0.iter().next()?).split_once('-')?.1),
        _ => None,
    }
}
