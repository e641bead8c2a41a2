//! Streams of random zones and changes arrive as what they were made of, and what is broken is found: an oracle that sees the whole stream at once says what it is.

use std::collections::BTreeSet;
use std::path::PathBuf;

use dns::change::ChangeSet;
use proptest::prelude::*;
use proptest::sample::Index;

use super::super::gather::{Gather, Received};
use super::*;

/// A record that is kept.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Plain {
    /// The owner.
    owner: Name,
    /// The type.
    rtype: Rtype,
    /// The class.
    class: Class,
    /// The TTL.
    ttl: u32,
    /// The RDATA.
    rdata: Vec<u8>,
}

impl Plain {
    /// One of class IN.
    fn new(owner: &str, rtype: Rtype, rdata: &[u8]) -> Self {
        Plain { owner: owner.parse().unwrap(), rtype, class: Class::IN, ttl: 300, rdata: rdata.into() }
    }

    /// As it comes.
    fn incoming(&self) -> IncomingRecord<'_> {
        let Plain { owner, rtype, class, ttl, rdata } = self;
        IncomingRecord { owner: owner.as_ref(), rtype: *rtype, class: *class, ttl: *ttl, rdata }
    }

    /// The serial of an SOA record at the apex.
    fn serial(&self) -> Option<u32> {
        (self.rtype == Rtype::SOA).then(|| serial_of(&self.rdata).unwrap())
    }
}

/// The apex of every zone here.
fn apex() -> Name {
    "a.".parse().unwrap()
}

/// The SOA record of a serial.
fn soa(serial: u32) -> Plain {
    let mut rdata = b"\x02ns\x01a\0\x04mail\x01a\0".to_vec();
    [serial, 10, 5, 100, 60].iter().for_each(|number| rdata.extend(number.to_be_bytes()));
    Plain::new("a.", Rtype::SOA, &rdata)
}

/// The records of a zone but its SOA record; the NS record is among them.
type Records = BTreeSet<Plain>;

/// Some records of a zone.
fn records() -> impl Strategy<Value = Records> {
    let record = prop_oneof![
        (0..30_u8, any::<u8>()).prop_map(|(name, last)| Plain::new(
            &format!("n{name}.a."),
            Rtype::A,
            &[192, 0, 2, last]
        )),
        (0..30_u8, 0..4_u8).prop_map(|(name, text)| Plain::new(&format!("N{name}.x.a."), Rtype::TXT, &[1, text])),
        (0..5_u8).prop_map(|text| Plain::new("a.", Rtype::TXT, &[1, text])),
    ];
    proptest::collection::btree_set(record, 0..30).prop_map(|mut records| {
        records.insert(Plain::new("a.", Rtype::NS, b"\x02n0\x01a\0"));
        records
    })
}

/// The whole of a zone as it is sent.
fn axfr(serial: u32, records: &Records) -> Vec<Plain> {
    [soa(serial)].into_iter().chain(records.iter().rev().cloned()).chain([soa(serial)]).collect()
}

/// What leads from each of some versions to the next, as it is sent.
fn ixfr(versions: &[(u32, Records)]) -> Vec<Plain> {
    let last = soa(versions.last().unwrap().0);
    let mut stream = vec![last.clone()];
    for pair in versions.windows(2) {
        let [(from, before), (to, after)] = pair else { continue };
        stream.push(soa(*from));
        stream.extend(before.difference(after).cloned());
        stream.push(soa(*to));
        stream.extend(after.difference(before).cloned());
    }
    stream.push(last);
    stream
}

/// What to expect.
fn expected(asked: Asked, promised: Option<u32>) -> Expected {
    Expected { apex: apex(), asked, promised, zone_octets_max: 1 << 20, change_octets_max: 1 << 20 }
}

/// What a stream is taken for.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Taken {
    /// Nothing new.
    UpToDate,
    /// A zone of these records.
    Zone(Vec<Plain>),
    /// Serials before and after, what went, what came: the SOA records first.
    Changes(Vec<(u32, u32, Vec<Plain>, Vec<Plain>)>),
}

/// Takes a stream.
fn take(expected: Expected, stream: &[Plain]) -> Result<Taken, Broken> {
    let mut gather = Gather::new(expected, PathBuf::from("test"), None);
    stream.iter().try_for_each(|record| gather.take(&record.incoming()))?;
    let plain = |record: &dns::change::ChangedRecord| Plain {
        owner: record.owner.clone(),
        rtype: record.rtype,
        class: Class::IN,
        ttl: record.ttl,
        rdata: record.rdata.to_vec(),
    };
    Ok(match gather.finish()? {
        Received::UpToDate => Taken::UpToDate,
        Received::Changes(sets) => Taken::Changes(
            sets.iter()
                .map(|ChangeSet { apex: zone, from, to, removed, added }| {
                    assert_eq!(*zone, apex());
                    (*from, *to, removed.iter().map(plain).collect(), added.iter().map(plain).collect())
                })
                .collect(),
        ),
        Received::Whole(columns) => {
            let of_record = |record: dns::Record| Plain {
                owner: record.owner,
                rtype: record.rtype,
                class: Class::IN,
                ttl: record.ttl,
                rdata: record.rdata.to_vec(),
            };
            Taken::Zone(columns.to_records().into_iter().map(of_record).collect())
        }
        Received::Compared(_) => unreachable!("nothing was to be compared with"),
    })
}

/// What a stream is, seen as a whole; none where it is broken.
fn oracle(asked: Asked, promised: Option<u32>, stream: &[Plain]) -> Option<Taken> {
    let is_sound = |record: &Plain| {
        record.class == Class::IN
            && record.owner.is_at_or_below(apex().as_ref())
            && (record.rtype != Rtype::SOA || record.owner == apex())
            && record.rtype != Rtype(41)
            && (record.rtype != Rtype::A || record.rdata.len() == 4)
    };
    let (first, rest) = stream.split_first()?;
    let newest = first.serial().filter(|_| stream.iter().all(is_sound))?;
    if promised.is_some_and(|promised| promised != newest && !is_forward(promised, newest)) {
        return None;
    }
    let is_soa = |record: &&Plain| record.rtype == Rtype::SOA;
    if let Asked::Ixfr { serial } = asked {
        if !is_forward(serial, newest) {
            return rest.is_empty().then_some(Taken::UpToDate);
        }
        if let Some(from) = rest.first()?.serial() {
            let (last, changes) = rest.split_last()?;
            let parts: Vec<&[Plain]> = changes.chunk_by(|_, record| record.rtype != Rtype::SOA).collect();
            let mut at = serial;
            let mut sets = Vec::new();
            for pair in parts.chunks(2) {
                let [removed, added] = pair else { return None };
                let (before, after) = (removed.first()?.serial()?, added.first()?.serial()?);
                if before != at
                    || at == newest && !sets.is_empty()
                    || !is_forward(before, after)
                    || is_forward(newest, after)
                {
                    return None;
                }
                at = after;
                sets.push((before, after, removed.to_vec(), added.to_vec()));
            }
            return (from == serial && last == first && at == newest).then_some(Taken::Changes(sets));
        }
    }
    let (last, zone) = rest.split_last()?;
    let has_ns = zone.iter().any(|record| record.rtype == Rtype::NS && record.owner == apex());
    (last == first && has_ns && !zone.iter().any(|record| is_soa(&record)))
        .then(|| Taken::Zone(stream[..stream.len() - 1].to_vec()))
}

/// What may happen to a stream.
#[derive(Clone, Debug)]
enum Damage {
    /// It ends early.
    Cut(Index),
    /// A record is missing.
    Drop(Index),
    /// A record comes twice.
    Double(Index, Index),
    /// Two records are in each other's place.
    Swap(Index, Index),
    /// A record has another owner.
    Owner(Index, &'static str),
    /// A record has another class.
    Class(Index),
    /// A record has another type.
    Type(Index, u16),
    /// A record's RDATA ends early.
    Rdata(Index),
    /// An SOA record has another serial.
    Serial(Index, u32),
    /// Another record comes somewhere.
    Insert(Index, Plain),
}

/// Some of it.
fn damages() -> impl Strategy<Value = Vec<Damage>> {
    let index = any::<Index>;
    let extra = prop_oneof![
        (0..9_u32).prop_map(soa),
        Just(Plain::new("b.", Rtype::A, &[192, 0, 2, 1])),
        Just(Plain::new("a.", Rtype::NS, b"\x02n0\x01a\0")),
        Just(Plain::new(".", Rtype(41), &[])),
    ];
    let damage = prop_oneof![
        index().prop_map(Damage::Cut),
        index().prop_map(Damage::Drop),
        (index(), index()).prop_map(|(from, to)| Damage::Double(from, to)),
        (index(), index()).prop_map(|(a, b)| Damage::Swap(a, b)),
        (index(), prop_oneof![Just("b."), Just("x.a."), Just("a.")]).prop_map(|(at, owner)| Damage::Owner(at, owner)),
        index().prop_map(Damage::Class),
        (index(), prop_oneof![Just(41), Just(16), Just(2)]).prop_map(|(at, rtype)| Damage::Type(at, rtype)),
        index().prop_map(Damage::Rdata),
        (index(), 0..9_u32).prop_map(|(at, serial)| Damage::Serial(at, serial)),
        (index(), extra).prop_map(|(at, extra)| Damage::Insert(at, extra)),
    ];
    proptest::collection::vec(damage, 0..3)
}

/// Does it.
fn apply(stream: &mut Vec<Plain>, damages: &[Damage]) {
    for damage in damages {
        let count = stream.len();
        if let Damage::Insert(at, extra) = damage {
            stream.insert(at.index(count + 1), extra.clone());
            continue;
        }
        if count == 0 {
            continue;
        }
        match damage {
            Damage::Cut(at) => stream.truncate(at.index(count)),
            Damage::Drop(at) => drop(stream.remove(at.index(count))),
            Damage::Double(from, to) => stream.insert(to.index(count + 1), stream[from.index(count)].clone()),
            Damage::Swap(a, b) => stream.swap(a.index(count), b.index(count)),
            Damage::Owner(at, owner) => stream[at.index(count)].owner = owner.parse().unwrap(),
            Damage::Class(at) => stream[at.index(count)].class = Class(3),
            Damage::Type(at, rtype) => {
                let record = &mut stream[at.index(count)];
                // What the RDATA of other types is, is for other tests.
                if record.rtype == Rtype::TXT || *rtype == 41 {
                    record.rtype = Rtype(if *rtype == 2 { 16 } else { *rtype });
                }
            }
            Damage::Rdata(at) => {
                let record = &mut stream[at.index(count)];
                if record.rtype == Rtype::A {
                    record.rdata.pop();
                }
            }
            Damage::Serial(at, serial) => {
                let mut soas: Vec<&mut Plain> = stream.iter_mut().filter(|record| record.rtype == Rtype::SOA).collect();
                if !soas.is_empty() {
                    let place = at.index(soas.len());
                    let (owner, ttl) = (soas[place].owner.clone(), soas[place].ttl);
                    *soas[place] = Plain { owner, ttl, ..soa(*serial) };
                }
            }
            Damage::Insert(..) => unreachable!("done above"),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, ..ProptestConfig::default() })]

    #[test]
    fn a_whole_zone_arrives(records in records(), serial in any::<u32>(), older in 1..1000_u32, as_ixfr in any::<bool>()) {
        let asked = if as_ixfr { Asked::Ixfr { serial: serial.wrapping_sub(older) } } else { Asked::Axfr };
        let stream = axfr(serial, &records);
        let taken = take(expected(asked, Some(serial.wrapping_sub(older))), &stream);
        prop_assert_eq!(taken, Ok(Taken::Zone(stream[..stream.len() - 1].to_vec())));
    }

    #[test]
    fn changes_arrive(versions in proptest::collection::vec(records(), 2..6), first in any::<u32>()) {
        let versions: Vec<_> = (0..).map(|step: u32| first.wrapping_add(step * 2)).zip(versions).collect();
        let taken = take(expected(Asked::Ixfr { serial: first }, None), &ixfr(&versions));
        let Ok(Taken::Changes(sets)) = taken else { return Err(TestCaseError::fail(format!("{taken:?}"))) };
        let (mut serial, mut zone) = versions[0].clone();
        for (set, (expected_serial, expected)) in sets.iter().zip(&versions[1..]) {
            let (from, to, removed, added) = set;
            prop_assert_eq!((*from, &removed[0], &added[0]), (serial, &soa(serial), &soa(*to)));
            removed[1..].iter().for_each(|record| assert!(zone.remove(record)));
            added[1..].iter().for_each(|record| assert!(zone.insert(record.clone())));
            serial = *to;
            prop_assert_eq!((serial, &zone), (*expected_serial, expected));
        }
        prop_assert_eq!(sets.len(), versions.len() - 1);
    }

    #[test]
    fn what_is_broken_is_never_taken(
        versions in proptest::collection::vec(records(), 1..4),
        damages in damages(),
        (form, asks_ixfr, promised) in (any::<bool>(), any::<bool>(), proptest::option::of(0..9_u32)),
    ) {
        let versions: Vec<_> = (1..).map(|step: u32| step * 2 - 1).zip(versions).collect();
        let mut stream = match form && versions.len() > 1 {
            true => ixfr(&versions),
            false => axfr(versions[versions.len() - 1].0, &versions[versions.len() - 1].1),
        };
        apply(&mut stream, &damages);
        let asked = if asks_ixfr { Asked::Ixfr { serial: 1 } } else { Asked::Axfr };
        let taken = take(expected(asked, promised), &stream);
        prop_assert_eq!(taken.ok(), oracle(asked, promised, &stream));
    }
}

/// A zone of a few records.
fn small() -> Records {
    BTreeSet::from([Plain::new("a.", Rtype::NS, b"\x02n0\x01a\0"), Plain::new("n0.a.", Rtype::A, &[192, 0, 2, 1])])
}

#[test]
fn every_kind_of_broken_stream_is_named() {
    let whole = || axfr(5, &small());
    let axfr = |change: &dyn Fn(&mut Vec<Plain>)| {
        let mut stream = whole();
        change(&mut stream);
        take(expected(Asked::Axfr, Some(5)), &stream).unwrap_err()
    };
    let owner = || "n0.a.".parse().unwrap();
    assert_eq!(axfr(&|stream| drop(stream.pop())), Broken::Cut { records: 3 });
    assert_eq!(axfr(&|stream| stream.clear()), Broken::Cut { records: 0 });
    assert_eq!(axfr(&|stream| drop(stream.remove(0))), Broken::NoSoaFirst { owner: owner(), rtype: Rtype::A });
    assert_eq!(axfr(&|stream| stream[3] = soa(6)), Broken::OtherSoaAtEnd { first: 5, last: 6 });
    assert_eq!(
        axfr(&|stream| stream[1].owner = "b.".parse().unwrap()),
        Broken::OutOfZone { owner: "b.".parse().unwrap(), rtype: Rtype::A }
    );
    assert_eq!(axfr(&|stream| stream.push(stream[1].clone())), Broken::BehindEnd { owner: owner(), rtype: Rtype::A });
    assert_eq!(axfr(&|stream| stream[1].class = Class(3)), Broken::NotInternet { owner: owner(), class: Class(3) });
    assert_eq!(axfr(&|stream| stream[1].rtype = Rtype(250)), Broken::NotData { owner: owner(), rtype: Rtype(250) });
    assert_eq!(axfr(&|stream| stream[1].rdata.push(1)), Broken::Rdata { owner: owner(), rtype: Rtype::A });
    assert_eq!(axfr(&|stream| drop(stream.remove(2))), Broken::NoNs);
    assert_eq!(
        axfr(&|stream| stream.insert(1, Plain { owner: owner(), ..soa(5) })),
        Broken::StraySoa { owner: owner() }
    );
    assert_eq!(axfr(&|stream| stream[0] = soa(4)), Broken::SerialNotAsPromised { promised: 5, found: 4 });
    let tight = Expected { zone_octets_max: 50, ..expected(Asked::Axfr, None) };
    assert_eq!(take(tight, &whole()).unwrap_err(), Broken::TooLarge { octets_max: 50 });
}

#[test]
fn every_kind_of_broken_change_is_named() {
    let versions = [(1, small()), (3, small()), (5, small())];
    let changes = |stream: &[u32]| {
        let stream: Vec<Plain> = stream.iter().map(|serial| soa(*serial)).collect();
        take(expected(Asked::Ixfr { serial: 1 }, Some(5)), &stream)
    };
    assert!(take(expected(Asked::Ixfr { serial: 1 }, Some(5)), &ixfr(&versions)).is_ok());
    assert!(changes(&[5, 1, 3, 3, 5, 5]).is_ok());
    assert_eq!(changes(&[5, 2, 3, 3, 5, 5]), Err(Broken::OtherStart { asked: 1, found: 2 }));
    assert_eq!(changes(&[5, 1, 3, 4, 5, 5]), Err(Broken::Gap { expected: 3, found: 4 }));
    assert_eq!(changes(&[5, 1, 1, 1, 5, 5]), Err(Broken::NotForward { from: 1, to: 1 }));
    assert_eq!(changes(&[5, 1, 6, 6, 7, 7]), Err(Broken::NotForward { from: 1, to: 6 }));
    assert_eq!(changes(&[5, 1, 5, 4]), Err(Broken::OtherSoaAtEnd { first: 5, last: 4 }));
    assert_eq!(changes(&[5, 1, 3, 3, 5]), Err(Broken::Cut { records: 5 }));
    assert_eq!(changes(&[5]), Err(Broken::Cut { records: 1 }));
    let tight = Expected { change_octets_max: 100, ..expected(Asked::Ixfr { serial: 1 }, None) };
    assert_eq!(take(tight, &ixfr(&versions)), Err(Broken::TooLarge { octets_max: 100 }));
}

#[test]
fn one_soa_record_says_that_there_is_nothing_new() {
    for served in [5, 6] {
        assert_eq!(take(expected(Asked::Ixfr { serial: served }, None), &[soa(5)]), Ok(Taken::UpToDate));
    }
}
