//! Owns: master flags: what administrators set on a user, over any role.

use serde::Deserialize;

/// The flags that both programs act on. Others pass through to services unread.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
pub struct MasterFlags {
    /// Locked out for now.
    #[serde(default)]
    pub suspended: bool,
    /// Locked out for good.
    #[serde(default)]
    pub banned: bool,
}

impl MasterFlags {
    /// Reads the JSON object of an edge view. Empty means no flag; what cannot be read locks out.
    pub fn parse(json: &[u8]) -> Self {
        if json.is_empty() {
            return Self::default();
        }
        serde_json::from_slice(json).unwrap_or(Self { suspended: true, banned: false })
    }

    /// Whether the user may not do anything.
    pub const fn locks_out(self) -> bool {
        self.suspended || self.banned
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t08_flags_that_cannot_be_read_lock_out() {
        assert!(!MasterFlags::parse(b"").locks_out());
        assert!(!MasterFlags::parse(br#"{"suspended":false,"system_admin":false}"#).locks_out());
        assert!(MasterFlags::parse(br#"{"suspended":true}"#).locks_out());
        assert!(MasterFlags::parse(br#"{"banned":true}"#).locks_out());
        assert!(MasterFlags::parse(br#"{"banned":"no"}"#).locks_out());
        assert!(MasterFlags::parse(b"{").locks_out());
    }
}
