//! Target: a whole request, as bytes, to the whole of verify, from a proxy and from a stranger.
//!
//! Oracle: see `oracle`. The first line of a corpus file is a request line; a line feed ends lines.

mod oracle;
mod policy;

pub(crate) use oracle::client;

use crate::scene::{self, PROXY, STRANGER};

/// Asks verify.
pub(crate) fn run(data: &[u8]) {
    if scene::request(data).is_none() {
        return;
    }
    for peer in [PROXY, STRANGER] {
        let Some(request) = scene::request(data) else { return };
        let (asked, ()) = scene::request(data).expect("the same").into_parts();
        let answer = scene::with(|scene| scene.ask(peer, request));
        oracle::check(peer, &asked, &answer);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An oracle that nothing passes would show nothing.
    #[test]
    fn a_good_request_is_let_in_and_a_stranger_who_sends_the_same_is_not() {
        let good = format!(
            "GET /auth/forward HTTP/1.1\nX-Forwarded-For: {}\nUser-Agent: {}\nCookie: a=b; bff_session={}\n\n",
            scene::CLIENT,
            scene::AGENT,
            scene::COOKIE
        );
        let ask = |peer| {
            let request = scene::request(good.as_bytes()).unwrap();
            scene::with(|scene| scene.ask(peer, request)).status
        };
        assert_eq!(ask(PROXY), 200);
        assert_eq!(ask(STRANGER), 401);
        run(good.as_bytes());
    }
}
