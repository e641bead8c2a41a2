//! LMDB: one environment, one database, all lookups in one read transaction.

use std::path::Path;

use heed::types::Bytes;
use heed::{Database, Env, EnvOpenOptions, PutFlags, RoTxn, WithoutTls};

use crate::Outcome;
use crate::content::Content;

use super::Store;

/// Canonical forms in order, with a read transaction that lasts.
pub struct Lmdb {
    /// Closed last.
    env: Env<WithoutTls>,
    /// The database.
    database: Database<Bytes, Bytes>,
    /// What all lookups are within.
    transaction: RoTxn<'static, WithoutTls>,
}

impl Lmdb {
    /// Fills a database in a folder.
    pub fn new(content: &Content, folder: &Path) -> Outcome<Lmdb> {
        std::fs::create_dir_all(folder)?;
        let mut options = EnvOpenOptions::new().read_txn_without_tls();
        options.map_size(MAP_OCTETS);
        // SAFETY: the folder is this process's own and nobody else opens it.
        let env = unsafe { options.open(folder)? };
        let mut write = env.write_txn()?;
        let database = env.create_database::<Bytes, Bytes>(&mut write, None)?;
        let mut key = Vec::new();
        for (name, value) in content.entries() {
            crate::keys::canonical(name, &mut key);
            // The root's own name has no labels, and LMDB takes no empty keys.
            if !key.is_empty() {
                // In order, so that pages are full: the best case for it.
                database.put_with_flags(&mut write, PutFlags::APPEND, &key, value)?;
            }
        }
        write.commit()?;
        let transaction = env.clone().static_read_txn()?;
        Ok(Lmdb { env, database, transaction })
    }

    /// The value of the last key at or before one.
    pub fn before(&self, key: &[u8]) -> Option<&[u8]> {
        let found = self.database.get_lower_than_or_equal_to(&self.transaction, key);
        found.expect("a sound database").map(|(_, value)| value)
    }

    /// Octets of the file.
    pub fn octets(&self) -> Outcome<u64> {
        Ok(self.env.real_disk_size()?)
    }
}

impl Store for Lmdb {
    const NAME: &'static str = "LMDB get";
    const IS_CANONICAL: bool = true;

    fn value(&self, key: &[u8]) -> Option<&[u8]> {
        self.database.get(&self.transaction, key).expect("a sound database")
    }
}

/// Address space for the database: more than any size here needs.
const MAP_OCTETS: usize = 16 << 30;
