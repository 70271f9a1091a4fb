//! Owns: finding the session cookie in a request.
//!
//! Every `Cookie` line counts, as bytes: HTTP/1.1 proxies keep duplicate lines apart, and other
//! applications' cookies may hold anything. Names match in exact case (RFC 6265 section 5.4).

use memchr::memchr;

use crate::id::SessionId;

/// Most bytes of `Cookie` lines that are searched. Browsers send at most a few kilobytes.
const SEARCHED_MAX: usize = 64 * 1024;

/// What a request says about its session.
#[derive(Debug, PartialEq, Eq)]
pub enum SessionCookie {
    /// No cookie of that name.
    Missing,
    /// One, of the right shape.
    One(SessionId),
    /// One, of a shape that no session has.
    Malformed,
    /// More than one: cookie tossing from a sibling domain, or a left-over. None is believed
    /// (bff-checklist 37).
    Several,
}

/// Looks for the cookie `name` in all `Cookie` lines of a request.
pub fn find<'a>(lines: impl IntoIterator<Item = &'a [u8]>, name: &str) -> SessionCookie {
    let mut found = SessionCookie::Missing;
    let mut searched = 0_usize;
    for line in lines {
        searched = searched.saturating_add(line.len());
        if searched > SEARCHED_MAX {
            return SessionCookie::Malformed;
        }
        for pair in pairs(line) {
            let Some(value) =
                pair.strip_prefix(name.as_bytes()).and_then(|rest| rest.strip_prefix(b"="))
            else {
                continue;
            };
            let value = value.trim_ascii_end();
            if found != SessionCookie::Missing {
                return SessionCookie::Several;
            }
            found = SessionId::parse(value).map_or(SessionCookie::Malformed, SessionCookie::One);
        }
    }
    found
}

/// The pairs of one line, each from its first character on.
fn pairs(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(line);
    std::iter::from_fn(move || {
        let line = rest?;
        let (pair, after) = match memchr(b';', line) {
            Some(end) => line.split_at_checked(end)?,
            None => (line, &b""[..]),
        };
        rest = after.get(1..);
        Some(pair.trim_ascii_start())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn id() -> SessionId {
        SessionId::from_random([8; 32])
    }

    fn look(lines: &[&str]) -> SessionCookie {
        find(lines.iter().map(|line| line.as_bytes()), "bff_session")
    }

    #[test]
    fn the_cookie_is_found_among_others() {
        let line = format!("theme=dark; bff_session={}; a=\u{fffd}", id().expose());
        assert_eq!(look(&[&line]), SessionCookie::One(id()));
        assert_eq!(look(&["a=b", &line]), SessionCookie::One(id()));
    }

    #[test]
    fn c37_two_cookies_of_the_name_are_none() {
        let pair = format!("bff_session={}", id().expose());
        assert_eq!(look(&[&format!("{pair}; {pair}")]), SessionCookie::Several);
        assert_eq!(look(&[&pair, "bff_session=x"]), SessionCookie::Several);
        assert_eq!(look(&["bff_session=x; bff_session=y"]), SessionCookie::Several);
    }

    #[test]
    fn c37_only_the_exact_name_counts() {
        let value = id();
        for name in ["BFF_SESSION", "xbff_session", "bff_session2", "bff_session "] {
            let line = format!("{name}={}", value.expose());
            assert_eq!(look(&[&line]), SessionCookie::Missing, "{name}");
        }
    }

    #[test]
    fn t17_odd_shapes_are_malformed_or_missing_and_cost_little() {
        assert_eq!(look(&["bff_session="]), SessionCookie::Malformed);
        assert_eq!(look(&["bff_session=\"quoted\""]), SessionCookie::Malformed);
        assert_eq!(look(&["bff_session"]), SessionCookie::Missing);
        assert_eq!(look(&[&"a".repeat(SEARCHED_MAX + 1)]), SessionCookie::Malformed);
    }

    #[test]
    fn pairs_are_cut_at_semicolons_and_nowhere_else() {
        let cut = |line: &'static str| {
            pairs(line.as_bytes())
                .map(|pair| std::str::from_utf8(pair).unwrap())
                .collect::<Vec<_>>()
        };
        assert_eq!(cut("a=1; b=2;c=3"), ["a=1", "b=2", "c=3"]);
        assert_eq!(cut(";; a"), ["", "", "a"]);
        assert_eq!(cut("a;"), ["a", ""]);
        assert_eq!(cut(""), [""]);
    }

    proptest! {
        #[test]
        fn t17_any_bytes_are_taken(lines in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..200), 0..4)) {
            drop(find(lines.iter().map(Vec::as_slice), "bff_session"));
        }
    }
}
