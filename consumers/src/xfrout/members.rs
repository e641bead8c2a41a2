//! The members of catalog zones (RFC 9432), whose policies are those of templates: [`Members`] knows which, by asking memmgr.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use bus::protocol::control::{Command, CommandError, Members as Listed};
use tokio::sync::watch;
use tracing::debug;
use zone_segment::{Name, NameRef};

use super::memmgr::Memmgr;

/// Which template each member is served by.
#[derive(Debug, Default)]
pub(super) struct Members(ArcSwap<Known>);

/// What is known of them.
#[derive(Debug, Default)]
struct Known {
    /// Whether memmgr has said so, and this is not the beginning.
    is_told: bool,
    /// Which version of them it is.
    version: u64,
    /// The template of each, letters folded.
    templates: HashMap<Name, Arc<str>>,
}

impl Members {
    /// Whether memmgr has said which there are.
    pub(super) fn are_known(&self) -> bool {
        self.0.load().is_told
    }

    /// The template of a member; none where the zone is none.
    pub(super) fn template(&self, zone: NameRef<'_>) -> Option<Arc<str>> {
        let known = self.0.load();
        if known.templates.is_empty() {
            return None;
        }
        known.templates.get(&zone.to_name().to_lowercase()).map(Arc::clone)
    }

    /// Asks memmgr whenever there is another generation, for ever: a catalog is a zone, so that members never differ without one.
    pub(super) async fn follow(&self, memmgr: &Memmgr, mut switched: watch::Receiver<u64>) {
        loop {
            while let Err(error) = self.ask(memmgr).await {
                // memmgr is being replaced, or the connection has not come about yet.
                debug!(error, "members-not-known");
                tokio::time::sleep(ASK_AGAIN).await;
            }
            if switched.changed().await.is_err() {
                return std::future::pending().await;
            }
        }
    }

    /// Asks memmgr.
    async fn ask(&self, memmgr: &Memmgr) -> Result<(), String> {
        let known = self.0.load().version;
        let reply = memmgr.ask(&Command::Members { known }, ANSWER_MAX).await?;
        let listed: Listed = reply
            .parse()
            .map_err(|error| reply.parse::<CommandError>().map_or_else(|_| error.to_string(), |said| said.error))?;
        let Some(members) = listed.members else {
            let before = self.0.load_full();
            if !before.is_told {
                let templates = before.templates.clone();
                self.0.store(Arc::new(Known { is_told: true, version: before.version, templates }));
            }
            return Ok(());
        };
        let templates = members.into_iter().filter_map(|member| {
            let zone: Name = member.zone.parse().ok()?;
            Some((zone.to_lowercase(), member.template.into()))
        });
        self.0.store(Arc::new(Known { is_told: true, version: listed.version, templates: templates.collect() }));
        Ok(())
    }
}

/// How long memmgr may take to answer.
const ANSWER_MAX: Duration = Duration::from_secs(10);

/// The wait before it is asked once more.
const ASK_AGAIN: Duration = Duration::from_millis(100);
