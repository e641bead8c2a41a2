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

proptest! {
    #[test]
    fn any_octets_find_nothing(input in prop::collection::vec(any::<u8>(), 0..200)) {
        case::run(&input);
    }
}
