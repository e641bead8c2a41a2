//! The peers' own checkers: `named-checkzone -i none`, `kzonecheck`, `nsd-checkzone`.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A peer that is installed.
#[derive(Debug)]
pub(crate) struct Peer {
    /// Its checker.
    program: PathBuf,
    /// What comes before the zone's name.
    before: &'static [&'static str],
    /// Its name and version.
    pub(crate) version: String,
}

impl Peer {
    /// Whether it takes a zone.
    pub(crate) fn accepts(&self, path: &Path) -> bool {
        let mut command = Command::new(&self.program);
        command.args(self.before).arg(super::apex(path)).arg(path);
        // They look for included files from where they run.
        command.current_dir(path.parent().unwrap()).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().unwrap().success()
    }
}

/// All three, or the name of one that is not installed.
pub(crate) fn find() -> Result<[Peer; 3], &'static str> {
    let peer = |name: &str, program: &'static str, before, asks: &[&str]| {
        let program_path = locate(program).ok_or(program)?;
        let output = Command::new(&program_path).args(asks).output().unwrap();
        let text = [output.stdout, output.stderr].concat();
        let text = String::from_utf8_lossy(&text).into_owned();
        Ok(Peer { program: program_path, before, version: format!("{name} {}", version(&text)) })
    };
    Ok([
        peer("BIND", "named-checkzone", &["-i", "none"], &["-v"])?,
        peer("Knot", "kzonecheck", &["-o"], &["--version"])?,
        peer("NSD", "nsd-checkzone", &[], &["-h"])?,
    ])
}

/// The first word of a text that looks like a version: digits with dots.
fn version(text: &str) -> &str {
    let is_version = |word: &&str| word.starts_with(|c: char| c.is_ascii_digit()) && word.contains('.');
    let word = text.split(|c: char| c.is_whitespace() || c == '-').find(is_version).unwrap_or("of unknown version");
    word.trim_end_matches('.')
}

/// A program by its name, in the path or where administrators' programs are.
fn locate(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(["/usr/sbin", "/usr/local/sbin"].map(PathBuf::from));
    folders.map(|folder| folder.join(program)).find(|path| path.is_file())
}
