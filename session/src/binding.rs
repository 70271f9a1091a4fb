//! Owns: what ties a session to the client it was made for.
//!
//! A user agent counts by family and platform, because browsers update themselves; an address by
//! /24 (IPv4) or /48 (IPv6), because phones move within a network. Only keyed hashes are kept.
//! Addresses are compared within one family: a client that has both changes between them at will.

mod agent;
mod memo;
mod policy;

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ring::hmac;

use agent::Agent;

pub use memo::{MarkMemo, Memo, Remembered};
pub use policy::{BindingPolicy, Grade, Mismatch};

/// A keyed hash, cut to 128 bits.
pub type Mark = [u8; 16];

/// The mark of an address and its family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IpMark {
    /// Of an IPv4 /24.
    V4(Mark),
    /// Of an IPv6 /48.
    V6(Mark),
}

/// The client a session was made for. `None`: that signal was not bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Bindings {
    /// Mark of the user agent's family and platform.
    pub user_agent: Option<Mark>,
    /// Mark of the address's network.
    pub ip: Option<IpMark>,
}

/// What tells the marks of clients.
pub trait Marks {
    /// The mark of a `User-Agent` value; a missing one counts as empty and so as a change.
    fn user_agent(&self, value: &[u8]) -> Mark;

    /// The mark of an address.
    fn ip(&self, address: IpAddr) -> IpMark;
}

/// Makes marks under one key. Clones are one.
#[derive(Clone)]
pub struct Binder {
    /// Of this one and its clones alone, in this process.
    number: u64,
    key: Arc<hmac::Key>,
}

impl fmt::Debug for Binder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Binder(redacted)")
    }
}

impl Binder {
    /// A binder under `key`.
    pub fn new(key: hmac::Key) -> Self {
        static MADE: AtomicU64 = AtomicU64::new(0);
        Self { number: MADE.fetch_add(1, Ordering::Relaxed), key: Arc::new(key) }
    }

    fn mark(&self, kind: &[u8], parts: &[&[u8]]) -> Mark {
        let mut context = hmac::Context::with_key(&self.key);
        context.update(kind);
        for part in parts {
            // A length keeps ("ab","c") and ("a","bc") apart.
            context.update(&part.len().to_be_bytes());
            context.update(part);
        }
        let mut mark = [0; 16];
        for (to, from) in mark.iter_mut().zip(context.sign().as_ref()) {
            *to = *from;
        }
        mark
    }
}

impl Marks for Binder {
    fn user_agent(&self, value: &[u8]) -> Mark {
        let agent = Agent::of(value);
        self.mark(b"ua", &[agent.family.as_bytes(), agent.platform.as_bytes()])
    }

    fn ip(&self, address: IpAddr) -> IpMark {
        match address.to_canonical() {
            IpAddr::V4(v4) => {
                let network = Ipv4Addr::from_bits(v4.to_bits() & 0xffff_ff00);
                IpMark::V4(self.mark(b"v4", &[&network.octets()]))
            }
            IpAddr::V6(v6) => {
                let network = Ipv6Addr::from_bits(v6.to_bits() & (u128::MAX << 80));
                IpMark::V6(self.mark(b"v6", &[&network.octets()]))
            }
        }
    }
}

impl Bindings {
    /// Whether the user agent is another than the bound one.
    pub fn user_agent_changed(&self, marks: &impl Marks, now: &[u8]) -> bool {
        self.user_agent.is_some_and(|bound| bound != marks.user_agent(now))
    }

    /// Whether the address lies in another network of the bound family.
    pub fn ip_changed(&self, marks: &impl Marks, now: IpAddr) -> bool {
        self.ip.is_some_and(|bound| match (bound, marks.ip(now)) {
            (IpMark::V4(bound), IpMark::V4(mark)) | (IpMark::V6(bound), IpMark::V6(mark)) => {
                bound != mark
            }
            _ => false,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHROME_LINUX: &str = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36";
    const EDGE_WINDOWS: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0";
    const SAFARI_IPHONE: &str = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1";

    fn binder() -> Binder {
        Binder::new(hmac::Key::new(hmac::HMAC_SHA256, &[5; 32]))
    }

    fn bound(agent: &str, ip: &str) -> Bindings {
        Bindings {
            user_agent: Some(binder().user_agent(agent.as_bytes())),
            ip: Some(binder().ip(ip.parse().unwrap())),
        }
    }

    #[test]
    fn families_and_platforms() {
        let of = |agent: &'static str| {
            let agent = Agent::of(agent.as_bytes());
            (agent.family, agent.platform)
        };
        assert_eq!(of(CHROME_LINUX), ("chrome", "linux"));
        assert_eq!(of(EDGE_WINDOWS), ("edge", "windows"));
        assert_eq!(of(SAFARI_IPHONE), ("safari", "ios"));
        assert_eq!(of("curl/8.5.0"), ("curl", ""));
        assert_eq!(of(""), ("", ""));
    }

    #[test]
    fn c48_a_browser_update_is_no_change_but_another_browser_is() {
        let bindings = bound(CHROME_LINUX, "192.0.2.1");
        let changed = |agent: &str| bindings.user_agent_changed(&binder(), agent.as_bytes());
        assert!(!changed(&CHROME_LINUX.replace("140", "141")));
        assert!(changed(EDGE_WINDOWS));
        assert!(changed(""), "a missing header is a change");
    }

    #[test]
    fn c48_addresses_count_by_network_within_one_family() {
        let cases = [
            ("192.0.2.1", "192.0.2.254", false),
            ("192.0.2.1", "::ffff:192.0.2.9", false),
            ("192.0.2.1", "192.0.3.1", true),
            ("2001:db8:1::1", "2001:db8:1:ffff::1", false),
            ("2001:db8:1::1", "2001:db8:2::1", true),
            ("192.0.2.1", "2001:db8:1::1", false),
        ];
        for (before, after, changed) in cases {
            let bindings = bound("", before);
            assert_eq!(
                bindings.ip_changed(&binder(), after.parse().unwrap()),
                changed,
                "{before} {after}"
            );
        }
    }

    #[test]
    fn c48_the_gravest_grade_decides_and_an_unknown_address_is_a_change() {
        let policy = BindingPolicy { user_agent: Grade::Deny, ip: Grade::Reauth };
        let bound = bound(CHROME_LINUX, "192.0.2.1");
        let judge = |agent: &str, ip: Option<&str>| {
            let ip = ip.map(|ip| ip.parse().unwrap());
            policy.judge(&bound, &binder(), agent.as_bytes(), ip).gravest()
        };
        assert_eq!(judge(CHROME_LINUX, Some("192.0.2.1")), None);
        assert_eq!(judge(CHROME_LINUX, None), Some(Grade::Reauth));
        assert_eq!(judge(EDGE_WINDOWS, None), Some(Grade::Deny));
    }

    #[test]
    fn what_was_not_bound_does_not_change() {
        let free = Bindings::default();
        assert!(!free.user_agent_changed(&binder(), b"anything"));
        assert!(!free.ip_changed(&binder(), IpAddr::V4(Ipv4Addr::LOCALHOST)));
    }
}
