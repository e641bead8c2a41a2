//! Commands of operators: each a request on the bus, each answered by a structure of [`bus::protocol::control`].

use std::path::Path;

use bus::Message;
use bus::protocol::control::{
    Command, CommandError, GenerationState, GenerationStatus, SerialRule, Status, Stopping, ZoneCondition, ZoneStatus,
};
use bus::protocol::supervisor::Record;
use serde::Serialize;
use tracing::{info, warn};
use zone_segment::Name;

use super::Service;
use super::changing::{AskedFor, Asker, Who};
use crate::apex::Apex;
use crate::builder::Scope;
use crate::builder::changes::Ask;
use crate::catalogue::{Condition, ZoneInfo};
use crate::edit::Edit;
use crate::rotation;

impl Service {
    /// Carries a command out.
    pub(super) fn command(&mut self, message: Message) {
        let command = message.parse::<Command>();
        if command.as_ref().is_ok_and(changes_anything) && !self.may_command(&message) {
            warn!(from = %message.from, body = %message.body, "command-refused");
            return self.refuse(&message, "only root and the server's own user may change anything; others may look");
        }
        match command {
            Ok(
                Command::Status {}
                | Command::Zones {}
                | Command::ExpireZone { .. }
                | Command::RefreshZone { .. }
                | Command::Changes { .. }
                | Command::Members { .. }
                | Command::UpdateZone { .. }
                | Command::Rollback { .. },
            ) if self.awaits_zones() => {
                self.zones.deferred.push(message);
            }
            Ok(Command::Status {}) => self.answer(&message, &self.status()),
            Ok(Command::Members { known }) => self.answer(&message, &self.listed_members(known)),
            Ok(Command::Zones {}) => self.answer(&message, &self.zone_statuses()),
            Ok(Command::Generations {}) => self.answer(&message, &self.all_generation_statuses()),
            Ok(Command::Consumers {}) => self.answer(&message, &self.consumer_statuses()),
            Ok(Command::Reload { zone: None, force: true }) => {
                self.refuse(&message, "expected the zone that is to be as its file has it: no more than one is forced");
            }
            Ok(Command::Reload { zone: None, force: false }) => self.reload(Scope::all(), Some(message)),
            Ok(Command::Reload { zone: Some(zone), force }) => match zone_name(&zone) {
                Ok(zone) if self.is_secondary(&zone) => {
                    let error = format!("{zone} comes from its primaries; `trine zone refresh {zone}` asks them");
                    self.refuse(&message, &error);
                }
                Ok(zone) if force => {
                    warn!(from = %message.from, %zone, "zone-reload-forced");
                    self.reload(Scope::forced(zone), Some(message));
                }
                Ok(zone) => self.reload(Scope::zone(zone), Some(message)),
                Err(error) => self.refuse(&message, &error),
            },
            Ok(Command::ExpireZone { zone }) => match zone_name(&zone).and_then(|zone| self.may_expire(zone)) {
                Ok(zone) => {
                    info!(from = %message.from, %zone, "zone-expiry-asked");
                    self.expire_secondary(&zone);
                    self.reload(Scope::expiring(zone), Some(message));
                }
                Err(error) => self.refuse(&message, &error),
            },
            Ok(Command::RefreshZone { zone, whole }) => match zone_name(&zone) {
                Ok(zone) => self.refresh_zone(message, &zone, whole),
                Err(error) => self.refuse(&message, &error),
            },
            Ok(Command::UpdateZone { zone, changes, name, serial, wait }) => {
                match edit_of(&zone, &changes, &name, serial) {
                    Ok(edit) => {
                        let asker = Asker { who: Who::Asker(message), until: wait, what: AskedFor::Update };
                        self.change(asker, vec![Ask::Edit(edit)]);
                    }
                    Err(error) => self.refuse(&message, &error),
                }
            }
            Ok(Command::WaitGeneration { generation, until }) => self.wait_generation(message, generation, until),
            Ok(Command::DiffGenerations { from, to, zone }) => match zone.as_deref().map(zone_name).transpose() {
                Ok(zone) => self.diff_generations(message, from, to, zone),
                Err(error) => self.refuse(&message, &error),
            },
            Ok(Command::Changes { zone, from, to, generation }) => match zone_name(&zone) {
                Ok(zone) => self.changes(message, zone, from, to, generation),
                Err(error) => self.refuse(&message, &error),
            },
            Ok(Command::Rollback { generation, zones, keep_serial }) => {
                match zones.iter().map(|zone| zone_name(zone)).collect::<Result<Vec<Name>, String>>() {
                    Ok(zones) => self.rollback(message, generation, zones, keep_serial),
                    Err(error) => self.refuse(&message, &error),
                }
            }
            Ok(Command::Pin { generation }) => self.pin(&message, generation),
            Ok(Command::Unpin { generation }) => self.unpin(&message, generation),
            Ok(Command::Stop {}) => {
                info!(from = %message.from, "stop-asked");
                self.answer(&message, &Stopping { supervisor_pid: self.options.supervisor_pid });
                self.link.send(Record::StopAll);
            }
            Err(error) => self.refuse(&message, &format!("expected a command, found {}: {error}", message.body)),
        }
    }

    /// Whether whoever sent this may change anything: users let onto the bus by `--bus-allow` may read and no more.
    pub(super) fn may_command(&self, message: &Message) -> bool {
        let own = nix::unistd::Uid::current().as_raw();
        self.broker.peer(&message.from).is_some_and(|peer| peer.uid == 0 || peer.uid == own)
    }

    /// The name of a zone again, if the newest generation has one of it that can expire.
    fn may_expire(&self, zone: Name) -> Result<Name, String> {
        let apex = Apex::new(zone);
        match self.states.values().next_back() {
            Some(newest) => newest.zones.to_expire(&apex)?,
            None => return Err("nothing is served yet".to_owned()),
        };
        Ok(apex.name().clone())
    }

    /// Answers a request.
    pub(super) fn answer(&self, message: &Message, body: &impl Serialize) {
        if let Err(error) = self.client.reply(message, body, &[]) {
            warn!(%error, to = %message.from, "answer-not-sent");
        }
    }

    /// Answers a request with the reason why it was not carried out.
    pub(super) fn refuse(&self, message: &Message, error: &str) {
        self.answer(message, &CommandError { error: error.to_owned() });
    }

    /// Answers several alike.
    pub(super) fn answer_all(&self, messages: Vec<Message>, body: &impl Serialize) {
        messages.iter().for_each(|message| self.answer(message, body));
    }

    /// Refuses several alike.
    pub(super) fn refuse_all(&self, messages: Vec<Message>, error: &str) {
        messages.iter().for_each(|message| self.refuse(message, error));
    }

    /// The whole state.
    fn status(&self) -> Status {
        Status {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            generation: self.rotation.newest().unwrap_or(0),
            memmgr_pid: std::process::id().cast_signed(),
            supervisor_pid: self.options.supervisor_pid,
            uptime_seconds: self.began.elapsed().as_secs(),
            listen: self.options.listen.iter().map(ToString::to_string).collect(),
            error: self.source_error.clone(),
            notifications_refused: self.secondaries.refused_notifies,
            zones: self.zone_statuses(),
            consumers: self.consumer_statuses(),
            generations: self.all_generation_statuses(),
            kills: self.readers.kills(),
            loads: self.loads(),
            watching: self.is_watching(),
        }
    }

    /// Every zone as the newest generation has it.
    fn zone_statuses(&self) -> Vec<ZoneStatus> {
        let newest = self.states.values().next_back();
        let zones = newest.map(|state| state.zones.sorted()).unwrap_or_default();
        let one = |(apex, zone): (&Name, &ZoneInfo)| {
            let mut status = zone_status(apex, zone);
            status.catalog = self.catalog_of(apex).map(ToString::to_string);
            status.error = status.error.or(self.catalog_error(apex).map(str::to_owned));
            let Some((transfer, error)) = self.transfer_status(apex) else { return status };
            let state = match (status.state, &error) {
                (ZoneCondition::Serving, Some(_)) => ZoneCondition::Stale,
                (state, _) => state,
            };
            ZoneStatus { state, error: error.or(status.error), transfer: Some(transfer), ..status }
        };
        zones.into_iter().map(one).collect()
    }

    /// Every generation alive.
    pub(super) fn generation_statuses(&self) -> Vec<GenerationStatus> {
        let one = |status: rotation::GenerationStatus| {
            let state = self.states.get(&status.generation);
            GenerationStatus {
                id: status.generation,
                state: match status.state {
                    rotation::GenerationState::Updating => GenerationState::Updating,
                    rotation::GenerationState::Switching => GenerationState::Switching,
                    rotation::GenerationState::Current => GenerationState::Current,
                    rotation::GenerationState::Releasing => GenerationState::Releasing,
                },
                layers: state.map_or(0, |state| state.contents.layers().count() as u64),
                bytes: state.map_or(0, |state| state.bytes()),
                readers: status.readers.len() as u64,
                private_bytes: state.map_or(0, |state| super::keeping::private_bytes(state)),
                pinned: self.kept.pinned.contains(&status.generation),
                durable: status.state != rotation::GenerationState::Updating && self.is_durable(status.generation),
                at_unix: self.made_at.get(&status.generation).copied(),
            }
        };
        self.rotation.generations().into_iter().map(one).collect()
    }
}

/// Whether a command does more than look.
fn changes_anything(command: &Command) -> bool {
    match command {
        Command::Status {}
        | Command::Generations {}
        | Command::Consumers {}
        | Command::Zones {}
        | Command::WaitGeneration { .. }
        | Command::DiffGenerations { .. }
        | Command::Members { .. }
        | Command::Changes { .. } => false,
        Command::Reload { .. }
        | Command::ExpireZone { .. }
        | Command::RefreshZone { .. }
        | Command::Stop {}
        | Command::UpdateZone { .. }
        | Command::Rollback { .. }
        | Command::Pin { .. }
        | Command::Unpin { .. } => true,
    }
}

/// An edit out of a command.
fn edit_of(zone: &str, changes: &str, name: &str, serial: SerialRule) -> Result<Edit, String> {
    let apex = zone_name(zone)?;
    let parsed = Edit::parse(&apex, Path::new(name), changes.as_bytes(), serial.into());
    parsed.map(|(edit, _)| edit).map_err(|error| error.to_string())
}

/// The name of a zone out of a command.
fn zone_name(text: &str) -> Result<Name, String> {
    dns::text::absolute_name(text).map_err(|error| format!("expected a zone's name, found {text:?}: {error}"))
}

/// One zone.
fn zone_status(apex: &Name, zone: &ZoneInfo) -> ZoneStatus {
    ZoneStatus {
        name: apex.to_string(),
        serial: zone.serial,
        records: zone.records,
        state: match zone.condition {
            Condition::Serving => ZoneCondition::Serving,
            Condition::Stale => ZoneCondition::Stale,
            Condition::Broken => ZoneCondition::Broken,
            Condition::Expired => ZoneCondition::Expired,
        },
        error: zone.error.clone(),
        group: zone.group.0,
        source: zone.source.display().to_string(),
        transfer: None,
        catalog: None,
    }
}
