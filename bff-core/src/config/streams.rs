//! Owns: how many streams and sockets of the proxy may be open at once.

use shell::config::Settings;

/// Most open streams and sockets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StreamLimits {
    /// `BFF_MAX_STREAMS`: of this process.
    pub process: usize,
    /// `BFF_MAX_STREAMS_PER_SESSION`.
    pub session: usize,
}

impl Default for StreamLimits {
    fn default() -> Self {
        Self { process: 10_000, session: 100 }
    }
}

impl StreamLimits {
    pub(super) fn read(settings: &mut Settings) -> Self {
        let mut most = |name: &str, default: usize| {
            let hint = "A number from 1 to 1000000.";
            settings.parsed(name, hint, limit).unwrap_or(default)
        };
        let default = Self::default();
        Self {
            process: most("BFF_MAX_STREAMS", default.process),
            session: most("BFF_MAX_STREAMS_PER_SESSION", default.session),
        }
    }
}

fn limit(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(most @ 1..=1_000_000) => Ok(most),
        _ => Err("is not a number from 1 to 1000000".to_owned()),
    }
}
