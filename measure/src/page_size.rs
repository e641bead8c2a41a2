//! In which pages octets are mapped, as the kernel says in `/proc/self/smaps`: figures of 4 KiB and of 2 MiB pages differ, and
//! a file's pages may be either by nobody's choice.

use std::fmt;
use std::io::{self, BufRead, BufReader};
use std::ops::Range;

/// The kernel's list of this process's mappings.
const SMAPS: &str = "/proc/self/smaps";

/// Octets between two that [`touch`] reads: the smallest page.
const PAGE_OCTETS_MIN: usize = 4096;

/// How octets are mapped: what the kernel says of the mappings that they lie in, added up. All are octets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PageSizes {
    /// Address space of the mappings.
    pub size: u64,
    /// The kernel's page size for them: 2 MiB in hugetlbfs, else the machine's, whatever large pages it maps besides.
    pub kernel_page_size: u64,
    /// What is mapped at all.
    pub rss: u64,
    /// Of it, file pages mapped in units of 2 MiB, as file systems with large folios have them.
    pub file_pmd_mapped: u64,
    /// Of it, shared memory mapped in units of 2 MiB.
    pub shmem_pmd_mapped: u64,
    /// Of it, anonymous memory in pages of 2 MiB.
    pub anon_huge_pages: u64,
}

impl PageSizes {
    /// What is mapped in units of 2 MiB.
    pub fn huge(&self) -> u64 {
        self.file_pmd_mapped + self.shmem_pmd_mapped + self.anon_huge_pages
    }

    /// Adds one line of a mapping.
    fn add(&mut self, line: &str) {
        let Some((key, value)) = line.split_once(':') else { return };
        let Some(kib) = value.trim().strip_suffix(" kB").and_then(|number| number.parse::<u64>().ok()) else { return };
        let octets = kib.saturating_mul(1024);
        match key {
            "Size" => self.size += octets,
            "KernelPageSize" => self.kernel_page_size = self.kernel_page_size.max(octets),
            "Rss" => self.rss += octets,
            "FilePmdMapped" => self.file_pmd_mapped += octets,
            "ShmemPmdMapped" => self.shmem_pmd_mapped += octets,
            "AnonHugePages" => self.anon_huge_pages += octets,
            _ => {}
        }
    }
}

impl fmt::Display for PageSizes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let percent = self.huge() * 100 / self.rss.max(1);
        write!(f, "pages of {} KiB, {percent} % of what is mapped in units of 2 MiB", self.kernel_page_size / 1024)
    }
}

/// How the mappings that `octets` lie in are mapped. Pages that were never read may be missing: [`touch`] them first.
pub fn page_size(octets: &[u8]) -> Result<PageSizes, PageSizeError> {
    let read = |source| PageSizeError::Read { source };
    let smaps = BufReader::new(std::fs::File::open(SMAPS).map_err(read)?);
    let start = octets.as_ptr().addr();
    sum(smaps, start..start + octets.len()).map_err(read)?.ok_or(PageSizeError::NoMapping { address: start })
}

/// Adds up the mappings that share an address with `wanted`; none when there is no such mapping.
pub(crate) fn sum(smaps: impl BufRead, wanted: Range<usize>) -> io::Result<Option<PageSizes>> {
    let mut sizes = None::<PageSizes>;
    let mut is_wanted = false;
    for line in smaps.lines() {
        let line = line?;
        if let Some(range) = addresses(&line) {
            is_wanted = range.start < wanted.end && wanted.start < range.end;
            if is_wanted {
                sizes.get_or_insert_default();
            }
        } else if let (true, Some(sizes)) = (is_wanted, &mut sizes) {
            sizes.add(&line);
        }
    }
    Ok(sizes)
}

/// The addresses in the first line of a mapping: `START-END` in hexadecimal, then its flags.
fn addresses(line: &str) -> Option<Range<usize>> {
    let (start, end) = line.split_whitespace().next()?.split_once('-')?;
    Some(usize::from_str_radix(start, 16).ok()?..usize::from_str_radix(end, 16).ok()?)
}

/// Reads an octet of each page, so that all are mapped before anything is measured; gives their sum.
pub fn touch(octets: &[u8]) -> u64 {
    std::hint::black_box(octets.iter().step_by(PAGE_OCTETS_MIN).map(|octet| u64::from(*octet)).sum())
}

/// Why it can't be said how octets are mapped.
#[derive(Debug)]
#[non_exhaustive]
pub enum PageSizeError {
    /// The kernel's list can't be read.
    Read {
        /// Why.
        source: io::Error,
    },
    /// It has no mapping of this address.
    NoMapping {
        /// Where the octets begin.
        address: usize,
    },
}

impl std::error::Error for PageSizeError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            PageSizeError::Read { source } => Some(source),
            PageSizeError::NoMapping { .. } => None,
        }
    }
}

impl fmt::Display for PageSizeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PageSizeError::Read { .. } => write!(f, "reading page sizes from {SMAPS}; is /proc mounted?"),
            PageSizeError::NoMapping { address } => {
                write!(f, "reading page sizes from {SMAPS}: expected a mapping of address {address:#x}, found none")
            }
        }
    }
}
