//! Owns: the names of all audit events. They are a contract: one that was published keeps its meaning.

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// A session began.
    SessionCreated,
    /// A session got new tokens.
    SessionRefreshed,
    /// A session ended.
    SessionRevoked,
    /// A refresh token was spent, and its session has not got the successor.
    RefreshLost,
    /// A login led to no session.
    LoginFailed,
    /// An issuer logged somebody out.
    BackchannelLogout,
    /// The IdP was not told that a token is no longer wanted.
    RevocationFailed,
    /// A request from another client than the session's.
    BindingMismatch,
    /// A session at the host of another tenant.
    TenantMismatch,
    /// A value that a route injects is not known of its user.
    ContextMissing,
    /// A service asks for a fresher or stronger login.
    StepUpRequired,
    /// A request was refused as cross-site.
    CsrfRejected,
    /// Requests too many.
    RateLimited,
    /// The admin API was asked without a token that is listed.
    AdminRefused,
    /// An administrator read the configuration.
    AdminConfigRead,
    /// An administrator listed a user's sessions.
    AdminSessionsListed,
    /// An administrator ended all sessions of a user.
    AdminSessionsRevoked,
    /// An administrator ended a session.
    AdminSessionRevoked,
    /// An administrator denied tokens.
    AdminTokensRevoked,
    /// An administrator suspended or banned a user, or took that back.
    AdminFlagsSet,
    /// A chain of this log begins.
    ChainStarted,
    /// A chain of this log ends, with its process.
    ChainEnded,
    /// Records are missing before this one: they came faster than they could be written.
    RecordsLost,
}

impl Event {
    /// All of them.
    pub const ALL: [Self; 23] = [
        Self::SessionCreated,
        Self::SessionRefreshed,
        Self::SessionRevoked,
        Self::RefreshLost,
        Self::LoginFailed,
        Self::BackchannelLogout,
        Self::RevocationFailed,
        Self::BindingMismatch,
        Self::TenantMismatch,
        Self::ContextMissing,
        Self::StepUpRequired,
        Self::CsrfRejected,
        Self::RateLimited,
        Self::AdminRefused,
        Self::AdminConfigRead,
        Self::AdminSessionsListed,
        Self::AdminSessionsRevoked,
        Self::AdminSessionRevoked,
        Self::AdminTokensRevoked,
        Self::AdminFlagsSet,
        Self::ChainStarted,
        Self::ChainEnded,
        Self::RecordsLost,
    ];

    /// The `event` of a record.
    pub const fn name(self) -> &'static str {
        match self {
            Self::SessionCreated => "session.created",
            Self::SessionRefreshed => "session.refreshed",
            Self::SessionRevoked => "session.revoked",
            Self::RefreshLost => "session.refresh_lost",
            Self::LoginFailed => "login.failed",
            Self::BackchannelLogout => "logout.backchannel",
            Self::RevocationFailed => "token.revocation_failed",
            Self::BindingMismatch => "binding.mismatch",
            Self::TenantMismatch => "tenant.mismatch",
            Self::ContextMissing => "context.missing",
            Self::StepUpRequired => "step_up.required",
            Self::CsrfRejected => "csrf.rejected",
            Self::RateLimited => "rate.limited",
            Self::AdminRefused => "admin.refused",
            Self::AdminConfigRead => "admin.config_read",
            Self::AdminSessionsListed => "admin.sessions_listed",
            Self::AdminSessionsRevoked => "admin.sessions_revoked",
            Self::AdminSessionRevoked => "admin.session_revoked",
            Self::AdminTokensRevoked => "admin.tokens_revoked",
            Self::AdminFlagsSet => "admin.flags_set",
            Self::ChainStarted => "audit.chain_started",
            Self::ChainEnded => "audit.chain_ended",
            Self::RecordsLost => "audit.records_lost",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Verify's alone.
    const OF_VERIFY: [&str; 1] = ["bearer.rejected"];

    #[test]
    fn every_event_is_documented_and_every_documented_one_is_an_event() {
        let document = include_str!("../../../docs/LOGGING.md");
        let (_, section) = document.split_once("\n## Audit events\n").unwrap();
        let section = section.split("\n## ").next().unwrap();
        let cells = section.lines().filter_map(|row| row.strip_prefix("| `")?.split(" | ").next());
        let documented: BTreeSet<&str> = cells
            .flat_map(|cell| cell.split(", "))
            .map(|name| name.trim_matches(['`', ' ']))
            .filter(|name| name.contains('.') && !OF_VERIFY.contains(name))
            .collect();
        let known: BTreeSet<&str> = Event::ALL.iter().map(|event| event.name()).collect();
        assert_eq!(known.len(), Event::ALL.len());
        assert_eq!(documented, known);
    }
}
