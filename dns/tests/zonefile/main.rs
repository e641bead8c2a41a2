//! Any text as a zone file: what the fuzz target `zonefile` asserts, for the inputs that it found and for those that are kept by hand.

mod case;

use std::path::Path;

#[test]
fn the_corpus_of_the_fuzz_target_finds_nothing() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus/zonefile");
    let mut inputs = 0;
    for entry in std::fs::read_dir(folder).expect("the corpus is in the repository") {
        let path = entry.expect("it can be listed").path();
        let input = std::fs::read(&path).expect("it can be read");
        // Which one it is, should it panic.
        println!("{}", path.display());
        case::run(&input);
        inputs += 1;
    }
    assert!(inputs > 20, "{inputs} inputs");
}
