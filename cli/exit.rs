//! How a command ends, the same for every one: 0 done, 1 failed, 2 usage or configuration, 3 no server running.

use std::process::ExitCode;

/// How a command ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done.
    Done,
    /// What was asked for could not be done.
    Failed,
    /// The command line or the configuration is wrong.
    Usage,
    /// No server runs on the state directory.
    NoServer,
    /// memmgr's word for what a restart can't mend, such as a state directory it can't write to.
    Unusable,
}

impl Exit {
    /// The number.
    pub(crate) const fn number(self) -> u8 {
        match self {
            Exit::Done => 0,
            Exit::Failed => 1,
            Exit::Usage => 2,
            Exit::NoServer => 3,
            Exit::Unusable => 78,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(exit.number())
    }
}
