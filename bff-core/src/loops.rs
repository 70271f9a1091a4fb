//! Owns: noticing logins that succeed and lead to no usable session, over and over (DESIGN section 5).
//!
//! A cookie holds when callbacks were completed. One counts only if none was counted since its own login
//! began, so that ten tabs that come back at once count once. Whatever shows that the session is used
//! takes the cookie away. The cookie protects nothing and is not signed: who changes his own sees, or is
//! spared, a page; and the page's link begins a login whatever the cookie says.

use axum::response::Response;
use http::HeaderMap;
use http::header::SET_COOKIE;
use serde::{Deserialize, Serialize};

use crate::cookies::{Cookies, pairs};

/// Completed callbacks after which a login explains instead of beginning.
const CALLBACKS: usize = 5;

/// Seconds within which they must lie.
pub const LOOP_SECONDS: u64 = 60;

/// When this browser's callbacks were completed: seconds since the epoch, the oldest first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Completed(Vec<u64>);

impl Completed {
    /// What a request's cookie says; nothing if there is none, or two, or it cannot be read.
    pub fn of(headers: &HeaderMap, cookies: &Cookies) -> Self {
        let mut found = values(headers, cookies);
        match (found.next(), found.next()) {
            (Some(value), None) => Self::parse(value).unwrap_or_default(),
            _ => Self::default(),
        }
    }

    fn parse(value: &[u8]) -> Option<Self> {
        let times = std::str::from_utf8(value).ok()?.split('.').map(str::parse);
        let times = times.take(CALLBACKS + 1).collect::<Result<Vec<u64>, _>>().ok()?;
        (times.len() <= CALLBACKS).then_some(Self(times))
    }

    /// Whether signing in once more would be one time too many.
    pub fn is_loop(&self, now: u64) -> bool {
        self.recent(now).count() >= CALLBACKS
    }

    /// These, and one more now.
    #[must_use]
    pub fn and_one(&self, now: u64) -> Self {
        let mut times: Vec<u64> = self.recent(now).chain([now]).collect();
        let surplus = times.len().saturating_sub(CALLBACKS);
        Self(times.split_off(surplus))
    }

    /// The value of the cookie.
    pub fn cookie_value(&self) -> String {
        self.0.iter().map(u64::to_string).collect::<Vec<_>>().join(".")
    }

    /// Replicas' clocks may differ, so a time a little ahead of ours counts too.
    fn recent(&self, now: u64) -> impl Iterator<Item = u64> {
        self.0.iter().copied().filter(move |time| time.abs_diff(now) < LOOP_SECONDS)
    }
}

/// Whether a request brings the cookie.
pub fn is_counting(headers: &HeaderMap, cookies: &Cookies) -> bool {
    values(headers, cookies).next().is_some()
}

/// The session is used: what was counted is no loop.
pub fn forget(response: &mut Response, cookies: &Cookies) {
    if let Some(clear) = cookies.clear_completed() {
        response.headers_mut().append(SET_COOKIE, clear);
    }
}

fn values<'a>(
    headers: &'a HeaderMap,
    cookies: &Cookies,
) -> impl Iterator<Item = &'a [u8]> + use<'a> {
    let name = cookies.completed_name();
    pairs(headers).filter_map(move |pair| pair.strip_prefix(name.as_bytes())?.strip_prefix(b"="))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(times: &[u64]) -> Completed {
        times.iter().fold(Completed::default(), |completed, time| completed.and_one(*time))
    }

    #[test]
    fn c20_five_within_a_minute_are_a_loop_and_no_fewer() {
        assert!(!counted(&[100, 110, 120, 130]).is_loop(130));
        let five = counted(&[100, 110, 120, 130, 140]);
        assert!(five.is_loop(140) && five.is_loop(159));
        assert!(!five.is_loop(160), "the first is a minute old");
        assert!(!counted(&[100, 120, 140, 160, 180, 200]).is_loop(200));
    }

    #[test]
    fn the_cookie_stays_short_and_survives_its_journey() {
        let many = counted(&[100; 50]);
        assert_eq!(many.cookie_value(), "100.100.100.100.100");
        assert_eq!(Completed::parse(many.cookie_value().as_bytes()), Some(many));
        for odd in ["", ".", "1.", "x", "-1", "1.1.1.1.1.1", "99999999999999999999999"] {
            assert_eq!(Completed::parse(odd.as_bytes()), None, "{odd}");
        }
    }
}
