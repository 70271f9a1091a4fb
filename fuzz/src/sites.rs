//! Owns: whether a browser stays on a site, by the crate `url`, which follows the standard that browsers do.

use percent_encoding::percent_decode_str;
use url::Url;

/// Panics unless `target` leads to where `site` is, as it stands and decoded up to so many `times`: some
/// services decode what they are given before they send a browser there.
pub(crate) fn stays(target: &str, site: &Url, times: usize) {
    let mut current = target.to_owned();
    for _ in 0..=times {
        let led = site.join(&current).map(|url| url.origin());
        assert!(
            led.as_ref().is_ok_and(|origin| *origin == site.origin()),
            "{target:?} leads to {led:?}"
        );
        let path = current.split(['?', '#']).next().unwrap_or_default();
        let Ok(decoded) = percent_decode_str(path).decode_utf8() else { return };
        current = decoded.into_owned();
    }
}
