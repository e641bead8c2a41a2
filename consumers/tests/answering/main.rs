//! Any octets as a query: what the fuzz target `answer` asserts, for the inputs that it found and for those that are kept by hand.
#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

mod case;
mod served;
#[path = "../answers/zones.rs"]
mod zones;

use std::path::Path;

#[test]
fn the_corpus_of_the_fuzz_target_finds_nothing() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus/answer");
    let mut inputs = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let input = std::fs::read(&path).unwrap();
        // Which one it is, should it panic.
        println!("{}", path.display());
        case::run(&input);
        inputs += 1;
    }
    assert!(inputs > 20, "{inputs} inputs");
}
