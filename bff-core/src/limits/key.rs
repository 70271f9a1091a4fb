//! Owns: the names that requests are counted under. They are keyed hashes: whoever reads the store learns no
//! address, no user and no session from them, and cannot try addresses out.

use std::net::IpAddr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use session::seal::{Purpose, SessionKeys};

use super::{Rule, Subject};

const LEN: usize = 16;

/// What a caller is counted under by a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Name([u8; LEN]);

impl Name {
    pub(super) fn of(keys: &SessionKeys, rule: &Rule, tenant: &str, subject: Subject<'_>) -> Self {
        let mut message = Vec::with_capacity(128);
        let mut part = |bytes: &[u8]| {
            message.extend_from_slice(&bytes.len().to_be_bytes());
            message.extend_from_slice(bytes);
        };
        part(rule.label.as_bytes());
        // A tally of one window means nothing for another.
        part(&rule.quota.window().as_millis().to_be_bytes());
        part(tenant.as_bytes());
        match subject {
            Subject::Ip(ip) => {
                part(b"ip");
                part(&network(ip));
            }
            Subject::Session(key) => {
                part(b"session");
                part(key.as_bytes());
            }
            Subject::User { issuer, id } => {
                part(b"user");
                part(issuer.as_bytes());
                part(id);
            }
            Subject::Tenant => part(b"tenant"),
            Subject::Issuer(issuer, ip) => {
                part(b"issuer");
                part(issuer.as_bytes());
                part(&network(ip));
            }
        }
        let tag = keys.tag(Purpose::RateLimit, &message);
        let mut name = [0; LEN];
        for (to, from) in name.iter_mut().zip(tag) {
            *to = from;
        }
        Self(name)
    }

    pub(super) fn text(self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }

    pub(super) const fn first_byte(self) -> u8 {
        let [first, ..] = self.0;
        first
    }

    #[cfg(test)]
    pub(super) fn numbered(number: u16) -> Self {
        let mut name = [0; LEN];
        name[..2].copy_from_slice(&number.to_le_bytes());
        Self(name)
    }
}

/// An address, or for IPv6 the network of 64 bits that one subscriber has to himself. Whoever is unknown
/// shares with all others who are.
fn network(ip: Option<IpAddr>) -> Vec<u8> {
    match ip.map(|ip| ip.to_canonical()) {
        None => Vec::new(),
        Some(IpAddr::V4(address)) => address.octets().into(),
        Some(IpAddr::V6(address)) => address.octets().into_iter().take(8).collect(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use session::id::SessionId;
    use session::keys::KeyRing;

    use super::*;

    fn ip(text: &str) -> Subject<'static> {
        Subject::Ip(Some(text.parse().unwrap()))
    }

    fn name_at(tenant: &str, rule: &Rule, subject: Subject<'_>) -> String {
        Name::of(&SessionKeys::new(KeyRing::single("k", [3; 32])), rule, tenant, subject).text()
    }

    fn name(rule: &Rule, subject: Subject<'_>) -> String {
        name_at("", rule, subject)
    }

    fn rule(label: &str) -> Rule {
        Rule::new("login", label, 10, Duration::from_secs(60)).unwrap()
    }

    #[test]
    fn addresses_of_one_subscriber_are_one() {
        let rule = rule("login");
        let same = |one, other| name(&rule, ip(one)) == name(&rule, ip(other));
        assert!(same("2001:db8:1:2::1", "2001:db8:1:2:ffff::9"));
        assert!(!same("2001:db8:1:2::1", "2001:db8:1:3::1"));
        assert!(!same("192.0.2.1", "192.0.2.2"));
        assert!(same("192.0.2.1", "::ffff:192.0.2.1"));
        assert_ne!(name(&rule, Subject::Ip(None)), name(&rule, ip("0.0.0.0")));
    }

    #[test]
    fn c79_callers_of_different_kinds_rules_and_tenants_never_meet() {
        let key = SessionId::from_random([1; 32]).store_key();
        let login = rule("login");
        let user = |issuer, id| Subject::User { issuer, id };
        let all = [
            name(&login, Subject::Session(&key)),
            name_at("a", &login, user("b", b"c")),
            name_at("ab", &login, user("", b"c")),
            name_at("a", &login, user("bc", b"")),
            name_at("a", &login, Subject::Tenant),
            name_at("b", &login, Subject::Tenant),
            name_at("a", &login, Subject::Ip(None)),
            name_at("b", &login, Subject::Ip(None)),
            name(&login, Subject::Issuer("a", None)),
            name(&login, Subject::Ip(None)),
            name(&rule("other"), Subject::Ip(None)),
            name(
                &Rule::new("login", "login", 10, Duration::from_secs(61)).unwrap(),
                Subject::Ip(None),
            ),
        ];
        let distinct: std::collections::HashSet<_> = all.iter().collect();
        assert_eq!(distinct.len(), all.len());
    }

    /// What every replica must count under, and nobody without the key can make.
    #[test]
    fn names_are_keyed_and_short() {
        let one = name(&rule("login"), ip("192.0.2.1"));
        assert_eq!(one.len(), 22);
        let other = SessionKeys::new(KeyRing::single("k", [4; 32]));
        assert_ne!(one, Name::of(&other, &rule("login"), "", ip("192.0.2.1")).text());
    }
}
