//! Owns: what a change of the client leads to.

use std::net::IpAddr;

use super::{Binder, Bindings, Marks};

/// What a change of a signal leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Grade {
    /// Nothing; the signal is not even bound.
    Off,
    /// It is counted and logged.
    Audit,
    /// 401: the session waits, and a new login re-binds it.
    Reauth,
    /// 401, and the session ends.
    Deny,
}

impl Grade {
    /// Reads a setting.
    ///
    /// # Errors
    /// What is expected instead.
    pub fn parse(text: &str) -> Result<Self, String> {
        match text {
            "off" => Ok(Self::Off),
            "audit" => Ok(Self::Audit),
            "reauth" => Ok(Self::Reauth),
            "deny" => Ok(Self::Deny),
            _ => Err("is not a binding grade".to_owned()),
        }
    }

    /// The setting's word, for metrics and logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Audit => "audit",
            Self::Reauth => "reauth",
            Self::Deny => "deny",
        }
    }
}

/// A grade for each signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BindingPolicy {
    /// For the user agent's family and platform.
    pub user_agent: Grade,
    /// For the address's network.
    pub ip: Grade,
}

/// What changed, and what follows. `None`: the signal did not change, or is off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Mismatch {
    /// The user agent is another one.
    pub user_agent: Option<Grade>,
    /// The address lies in another network, or nobody knows it.
    pub ip: Option<Grade>,
}

impl Mismatch {
    /// The gravest consequence.
    pub fn gravest(self) -> Option<Grade> {
        self.user_agent.max(self.ip)
    }

    /// Each changed signal by name.
    pub fn signals(self) -> impl Iterator<Item = (&'static str, Grade)> {
        [("user_agent", self.user_agent), ("ip", self.ip)]
            .into_iter()
            .filter_map(|(signal, grade)| Some((signal, grade?)))
    }
}

impl BindingPolicy {
    /// The marks of a new session.
    pub fn bind(&self, binder: &Binder, user_agent: &[u8], ip: Option<IpAddr>) -> Bindings {
        Bindings {
            user_agent: (self.user_agent != Grade::Off).then(|| binder.user_agent(user_agent)),
            ip: ip.filter(|_| self.ip != Grade::Off).map(|ip| binder.ip(ip)),
        }
    }

    /// Compares the client of this request with the session's.
    pub fn judge(
        &self,
        bound: &Bindings,
        marks: &impl Marks,
        user_agent: &[u8],
        ip: Option<IpAddr>,
    ) -> Mismatch {
        let ip_changed = || match ip {
            Some(ip) => bound.ip_changed(marks, ip),
            None => bound.ip.is_some(),
        };
        Mismatch {
            user_agent: (self.user_agent != Grade::Off
                && bound.user_agent_changed(marks, user_agent))
            .then_some(self.user_agent),
            ip: (self.ip != Grade::Off && ip_changed()).then_some(self.ip),
        }
    }
}
