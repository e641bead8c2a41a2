//! mmap-sync: a hash map archived by its own version of rkyv, in a mapped file behind a version and a counter of readers.

use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use mmap_sync::guard::ReadResult;
use mmap_sync::synchronizer::Synchronizer;

use crate::Outcome;

use super::Store;

/// What is archived: wire forms to values.
pub type Map = HashMap<Vec<u8>, Vec<u8>>;

/// The reading end.
pub struct Sync {
    /// It lives as long as the process, since what it gives borrows from it.
    read: ReadResult<'static, Map>,
}

impl Sync {
    /// Writes a map, and opens what was written. Its archives end at 2 GiB: a larger map is refused.
    pub fn new(map: &Map, prefix: &Path) -> Outcome<Sync> {
        let mut writer = Synchronizer::new(prefix.as_os_str());
        writer.write(map, Duration::from_secs(1)).map_err(|error| format!("writing a map for mmap-sync: {error:?}"))?;
        drop(writer);
        let reader: &'static mut Synchronizer = Box::leak(Box::new(Synchronizer::new(prefix.as_os_str())));
        // SAFETY: nobody writes any more, so the grace of a writer never ends; the file is what `write` has just checked.
        let read = unsafe { reader.read::<Map>(false) };
        Ok(Sync { read: read.map_err(|error| format!("reading a map from mmap-sync: {error:?}"))? })
    }
}

impl Store for Sync {
    const NAME: &'static str = "mmap-sync";
    const IS_CANONICAL: bool = false;

    fn value(&self, key: &[u8]) -> Option<&[u8]> {
        self.read.get(key).map(|value| value.as_slice())
    }
}
