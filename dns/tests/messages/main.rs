//! Any octets as a message whose records are taken: what the fuzz target `messages` asserts, for the inputs that it found and for those that are kept
//! by hand.
#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

mod case;

use std::path::Path;

use proptest::prelude::*;

#[test]
fn the_corpus_of_the_fuzz_target_finds_nothing() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus/messages");
    let mut inputs = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let input = std::fs::read(&path).unwrap();
        // Which one it is, should it panic.
        println!("{}", path.display());
        case::run(&input);
        // Cut at any place, it is another input.
        (0..input.len()).for_each(|length| case::run(&input[..length]));
        inputs += 1;
    }
    assert!(inputs > 10, "{inputs} inputs");
}

/// The inputs that are kept.
fn kept() -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus/messages");
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.iter().map(|path| std::fs::read(path).unwrap()).collect()
}

proptest! {
    #[test]
    fn what_is_kept_finds_nothing_with_any_octets_in_it(
        input in prop::sample::select(kept()),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..4_u8), 1..6),
    ) {
        let mut input = input;
        for (at, octet, how) in changes {
            let at = at.index(input.len());
            match how {
                0 => input.insert(at, octet),
                1 if input.len() > 1 => drop(input.remove(at)),
                2 => input[at] = [0, 1, 12, 0xc0, 0xff, 250, 41, 6][usize::from(octet % 8)],
                _ => input[at] = octet,
            }
        }
        case::run(&input);
    }

    #[test]
    fn any_octets_find_nothing(input in prop::collection::vec(any::<u8>(), 0..200)) {
        case::run(&input);
    }
}
