//! rkyv's archived maps, in files that are mapped and checked once.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use rkyv::collections::btree_map::ArchivedBTreeMap;
use rkyv::collections::swiss_table::ArchivedHashMap;
use rkyv::rancor::Error;
use rkyv::ser::writer::IoWriter;
use rkyv::vec::ArchivedVec;

use crate::Outcome;
use crate::content::Content;
use crate::mapped::Mapped;

use super::Store;

/// The archived hash map.
type Hashed = ArchivedHashMap<ArchivedVec<u8>, ArchivedVec<u8>>;

/// The archived ordered map.
type Tree = ArchivedBTreeMap<ArchivedVec<u8>, ArchivedVec<u8>>;

/// An archived hash map over wire forms.
pub struct ArchivedHash {
    /// Its file.
    file: Mapped,
    /// How long the check of it took.
    pub check: Duration,
}

impl ArchivedHash {
    /// Archives a map.
    pub fn new(map: &HashMap<Vec<u8>, Vec<u8>>, path: &Path) -> Outcome<ArchivedHash> {
        let mut writer = IoWriter::new(BufWriter::with_capacity(1 << 20, File::create(path)?));
        rkyv::api::high::to_bytes_in::<_, Error>(map, &mut writer)?;
        writer.into_inner().flush()?;
        let file = Mapped::of(&File::open(path)?)?;
        let begin = Instant::now();
        rkyv::access::<Hashed, Error>(file.as_ref())?;
        let check = begin.elapsed();
        Ok(ArchivedHash { file, check })
    }

    /// Opens it for lookups.
    pub fn open(&self) -> Outcome<&Hashed> {
        Ok(rkyv::access::<Hashed, Error>(self.file.as_ref())?)
    }

    /// Octets of the file.
    pub fn octets(&self) -> usize {
        self.file.as_ref().len()
    }
}

impl Store for &Hashed {
    const NAME: &'static str = "rkyv ArchivedHashMap";
    const IS_CANONICAL: bool = false;

    fn value(&self, key: &[u8]) -> Option<&[u8]> {
        self.get(key).map(|value| value.as_slice())
    }
}

/// An archived ordered map over canonical forms.
pub struct ArchivedTree {
    /// Its file.
    file: Mapped,
    /// How long the check of it took.
    pub check: Duration,
}

impl ArchivedTree {
    /// Archives a content.
    pub fn new(content: &Content, path: &Path) -> Outcome<ArchivedTree> {
        let mut key = Vec::new();
        let entries = content.entries().map(|(name, value)| {
            crate::keys::canonical(name, &mut key);
            (key.clone(), value.to_vec())
        });
        let map: BTreeMap<Vec<u8>, Vec<u8>> = entries.collect();
        let mut writer = IoWriter::new(BufWriter::with_capacity(1 << 20, File::create(path)?));
        rkyv::api::high::to_bytes_in::<_, Error>(&map, &mut writer)?;
        writer.into_inner().flush()?;
        let file = Mapped::of(&File::open(path)?)?;
        let begin = Instant::now();
        rkyv::access::<Tree, Error>(file.as_ref())?;
        let check = begin.elapsed();
        Ok(ArchivedTree { file, check })
    }

    /// Opens it for lookups.
    pub fn open(&self) -> Outcome<&Tree> {
        Ok(rkyv::access::<Tree, Error>(self.file.as_ref())?)
    }

    /// Octets of the file.
    pub fn octets(&self) -> usize {
        self.file.as_ref().len()
    }
}

impl Store for &Tree {
    const NAME: &'static str = "rkyv ArchivedBTreeMap";
    const IS_CANONICAL: bool = true;

    fn value(&self, key: &[u8]) -> Option<&[u8]> {
        self.get(key).map(|value| value.as_slice())
    }
}
