//! Owns: the parts with what has become of each, and what is done to them.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tokio::sync::{Mutex, RwLock};

use super::line::Line;
use super::process::{Process, Role};

/// What has become of a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Condition {
    Running,
    Killed,
    Frozen,
    Cut,
}

/// What a button does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Act {
    /// `SIGKILL`.
    Kill,
    /// `SIGSTOP`.
    Freeze,
    /// Its line.
    Cut,
    /// Takes back whichever it was.
    Return,
}

/// A part.
#[derive(Debug)]
pub(super) struct Part {
    id: &'static str,
    title: &'static str,
    line: Line,
    /// Which end of the line it is.
    end: usize,
    process: Mutex<(Process, Condition)>,
}

/// What the page shows of a part.
#[derive(Debug, Serialize)]
pub(super) struct Shown {
    id: &'static str,
    title: &'static str,
    condition: Condition,
    /// Whether it can be killed and be afterwards what it was.
    survives: bool,
}

/// All parts.
#[derive(Debug)]
pub(super) struct Stage {
    parts: Vec<Part>,
    /// What happened last, in one line.
    told: RwLock<String>,
}

impl Part {
    pub(super) fn new(
        id: &'static str,
        title: &'static str,
        process: Process,
        line: Line,
        end: usize,
    ) -> Self {
        Self { id, title, line, end, process: Mutex::new((process, Condition::Running)) }
    }
}

impl Stage {
    pub(super) fn new(parts: Vec<Part>) -> Arc<Self> {
        Arc::new(Self { parts, told: RwLock::new("Every part runs.".to_owned()) })
    }

    /// Starts every process, one after the other.
    ///
    /// # Errors
    /// When one does not start.
    pub(super) async fn start(&self) -> anyhow::Result<()> {
        for part in &self.parts {
            part.process.lock().await.0.start().await?;
        }
        Ok(())
    }

    /// What has become of each part.
    pub(super) async fn shown(&self) -> (Vec<Shown>, String) {
        let mut shown = Vec::new();
        for Part { id, title, process, .. } in &self.parts {
            let (process, condition) = &*process.lock().await;
            let survives = survives(process.role());
            shown.push(Shown { id, title, condition: *condition, survives });
        }
        (shown, self.told.read().await.clone())
    }

    /// Does something to a part; `None` where there is no such part, or this cannot be done to it now.
    ///
    /// # Errors
    /// When it could not be done.
    pub(super) async fn act(&self, id: &str, act: Act) -> anyhow::Result<Option<()>> {
        let Some(part) = self.parts.iter().find(|part| part.id == id) else { return Ok(None) };
        let (process, condition) = &mut *part.process.lock().await;
        let next = match (act, *condition) {
            (Act::Kill, Condition::Running) if survives(process.role()) => Condition::Killed,
            (Act::Freeze, Condition::Running) => Condition::Frozen,
            (Act::Cut, Condition::Running) => Condition::Cut,
            (Act::Return, Condition::Killed | Condition::Frozen | Condition::Cut) => {
                Condition::Running
            }
            _ => return Ok(None),
        };
        match (next, *condition) {
            (Condition::Killed, _) => process.kill().await?,
            (Condition::Frozen, _) => process.freeze(true)?,
            (Condition::Cut, _) => part.line.cut(part.end),
            (Condition::Running, Condition::Killed) => process.start().await?,
            (Condition::Running, Condition::Frozen) => process.freeze(false)?,
            (Condition::Running, _) => part.line.mend(part.end),
        }
        *condition = next;
        *self.told.write().await = tell(part.title, process.role(), next);
        Ok(Some(()))
    }
}

/// The development IdP keeps all it knows in memory: killed, it forgets every grant, which no outage of a
/// real one does.
fn survives(role: Role) -> bool {
    role != Role::Idp
}

fn tell(title: &str, role: Role, condition: Condition) -> String {
    let what = match condition {
        Condition::Running => return format!("{title} is back."),
        Condition::Killed => "is killed",
        Condition::Frozen => "stands still",
        Condition::Cut => "is cut off",
    };
    let so = match role {
        Role::Redis => {
            "What needs a session is answered with 503 until it is back, and nobody is signed out."
        }
        Role::Idp => {
            "Sessions go on. Logins wait, and so do calls whose access token ends meanwhile, after a minute."
        }
        Role::Orders => {
            "Calls to it are told so, by 502 or 504, then at once by 503. Nothing else is."
        }
        Role::Whoami => "Requests to it are answered with 502, or wait. Nothing else is touched.",
        Role::Bff | Role::Forwardauth => {
            "What was under way there breaks off. The other replica does the rest."
        }
    };
    format!("{title} {what}. {so}")
}
