//! Edits: lines of an operator on a zone as it stands, and what becomes of it: a [`ZoneChange`], or the reason why not.
//!
//! Nothing here knows of files, clocks, generations or messages. [`resolve`] applies an [`Edit`] to a zone and to the changes of it that are gathered and
//! not published yet, [`update()`] does the same with a dynamic update; [`Gathered`] keeps several changes of one zone; [`difference()`] says by which change
//! one zone becomes another.
//!
//! Files in the order to read them: `records` (an owner and what it owns) · `view` (a zone with what is gathered) · `draft` (lines on a view) · `sound`
//! (zone checks on what changed) · `signed` (signatures and digests) · `dynamic` (updates over the wire) · `serial` ·
//! `gathered` · `difference` · `again` and `transferred` (changes that were made elsewhere) · `answer` · `error`.

mod again;
mod answer;
mod difference;
mod draft;
mod dynamic;
mod error;
mod gathered;
mod records;
mod serial;
mod signed;
mod sound;
#[cfg(test)]
mod tests;
mod transferred;
mod view;

use std::path::{Path, PathBuf};

use dns::change::{OwnerChanges, ZoneChange};
use dns::check::Finding;
use dns::text::changes::{self, ChangeLine};
use dns::types::Rtype;
use zone_segment::{Name, SegmentOctets, Zone};

pub use again::again;
pub use answer::{counts, shown};
pub use difference::{NewSerial, difference};
pub use dynamic::{Update, UpdateRecord, UpdateRefused, update};
pub use error::{EditError, LineFault};
pub use gathered::{Gathered, merge};
pub use serial::{SerialPolicy, is_forward};
pub use transferred::{TransferError, transferred};

use draft::Draft;
use view::View;

/// What an operator asks to be changed of one zone.
#[derive(Clone, Debug)]
pub struct Edit {
    /// The zone.
    pub apex: Name,
    /// The name of the lines' file in messages.
    pub path: PathBuf,
    /// The lines.
    pub lines: Vec<ChangeLine>,
    /// How the serial is raised where no line brings an SOA record.
    pub serial: SerialPolicy,
}

impl Edit {
    /// Reads the text of a change file; `path` is its name in messages. Also gives what is to be told of it though it can be applied.
    ///
    /// # Errors
    ///
    /// [`EditError::File`], with all that is wrong with the text.
    pub fn parse(
        apex: &Name,
        path: &Path,
        text: &[u8],
        serial: SerialPolicy,
    ) -> Result<(Edit, Vec<String>), EditError> {
        let file = changes::read(path, text, apex);
        if !file.errors.is_empty() {
            return Err(EditError::File { errors: file.errors });
        }
        let warnings = file.warnings.iter().map(ToString::to_string).collect();
        Ok((Edit { apex: apex.clone(), path: file.path, lines: file.lines, serial }, warnings))
    }
}

/// What becomes of an edit.
#[derive(Clone, Debug)]
pub struct Resolution {
    /// The zone's serial from then on.
    pub serial: u32,
    /// The change; none where the zone is already as the lines ask.
    pub change: Option<ZoneChange>,
    /// What zone checks find about the lines that does not keep the zone from being served.
    pub warnings: Vec<Finding>,
}

/// Applies an edit to a zone as it stands with what is gathered: all of its lines, in their order, or none.
///
/// `now` is the time in seconds since 1970, for serials that come from it.
///
/// # Errors
///
/// [`EditError`]: the zone has no data, a line deletes what is not there, the outcome breaks a rule that the zone keeps now, or a signed zone would
/// lack a signature.
pub fn resolve<B: SegmentOctets>(
    zone: &Zone<'_, B>,
    gathered: Option<&OwnerChanges>,
    edit: &Edit,
    now: u64,
) -> Result<Resolution, EditError> {
    let mut draft = Draft::new(View { zone, gathered })?;
    draft.apply(edit)?;
    conclude(draft, &edit.path, edit.serial, now)
}

/// What becomes of a draft that all lines are carried out on.
fn conclude<B: SegmentOctets>(
    mut draft: Draft<'_, B>,
    path: &Path,
    policy: SerialPolicy,
    now: u64,
) -> Result<Resolution, EditError> {
    let from = draft.serial_before();
    if !draft.is_changed() {
        return Ok(Resolution { serial: from, change: None, warnings: Vec::new() });
    }
    let warnings = sound::check(&draft, path)?;
    if draft.brings_soa() {
        let to = draft.serial_now();
        if !is_forward(from, to) {
            return Err(EditError::SerialNotForward { apex: draft.apex().clone(), from, to });
        }
    } else if signed::is_signed(draft.apex_before()) {
        return Err(EditError::Unsigned { owner: draft.apex().clone(), rtype: Rtype::SOA });
    } else {
        draft.raise_serial(policy.after(from, now));
    }
    signed::check(&draft)?;
    let serial = draft.serial_now();
    Ok(Resolution { serial, change: Some(draft.into_change()), warnings })
}
