//! Owns: telling a browser's navigation, which can follow a redirect to a login page, from a call
//! that a script makes, which cannot.

use http::Method;
use http::header::{ACCEPT, HeaderMap};

use crate::fields::Lines;
use crate::request::{Original, SEC_FETCH_MODE};

/// Most media ranges that are looked at.
const RANGES_MAX: usize = 32;

/// Whether the original request is a navigation: the browser says so (`Sec-Fetch-Mode`) or, where it
/// says nothing, as over plain HTTP, prefers HTML.
///
/// `modes` are the lines of `Sec-Fetch-Mode` of `headers`.
pub(crate) fn is_navigation(
    original: &Original<'_>,
    modes: Lines<'_>,
    headers: &HeaderMap,
) -> bool {
    if original.websocket || !matches!(original.method, Method::GET | Method::HEAD) {
        return false;
    }
    if modes.is_present() {
        return !modes.any(headers, &SEC_FETCH_MODE, |mode| mode != b"navigate");
    }
    prefers_html(headers)
}

/// Whether HTML is what `Accept` names first among what it names with the highest weight (RFC 9110
/// section 12.5.1). A bare wildcard prefers nothing.
fn prefers_html(headers: &HeaderMap) -> bool {
    let lines = headers.get_all(ACCEPT).iter().filter_map(|line| line.to_str().ok());
    let ranges = lines.flat_map(|line| line.split(',')).take(RANGES_MAX);
    let mut best = (0, "");
    for range in ranges {
        let (kind, parameters) = range.split_once(';').unwrap_or((range, ""));
        let weight = weight(parameters);
        if weight > best.0 {
            best = (weight, kind.trim());
        }
    }
    ["text/html", "application/xhtml+xml"].iter().any(|html| best.1.eq_ignore_ascii_case(html))
}

/// The weight in thousandths. What cannot be read weighs nothing.
fn weight(parameters: &str) -> u16 {
    let mut weights = parameters.split(';').filter_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("q").then_some(value.trim())
    });
    let Some(weight) = weights.next() else {
        return 1_000;
    };
    match weight.split_once('.').unwrap_or((weight, "")) {
        ("1", _) => 1_000,
        ("0", digits) if digits.len() <= 3 => format!("{digits:0<3}").parse().unwrap_or(0),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fields::Fields;

    fn navigates(method: &str, headers: &[(&'static str, &str)]) -> bool {
        let original = Original {
            method: method.parse().unwrap(),
            websocket: false,
            https: true,
            host: None,
            uri: None,
        };
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        is_navigation(&original, Fields::of(&map).fetch_mode, &map)
    }

    const CHROME: &str =
        "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8";

    #[test]
    fn c68_the_fetch_mode_decides_where_there_is_one() {
        assert!(navigates("GET", &[("sec-fetch-mode", "navigate"), ("accept", "*/*")]));
        assert!(navigates("HEAD", &[("sec-fetch-mode", "navigate")]));
        for mode in ["cors", "no-cors", "same-origin", "websocket", ""] {
            assert!(!navigates("GET", &[("sec-fetch-mode", mode), ("accept", CHROME)]), "{mode}");
        }
        let both = [("sec-fetch-mode", "navigate"), ("sec-fetch-mode", "cors")];
        assert!(!navigates("GET", &both));
    }

    #[test]
    fn c68_only_get_and_head_are_redirected() {
        for method in ["POST", "PUT", "DELETE", "OPTIONS", "get"] {
            assert!(!navigates(method, &[("sec-fetch-mode", "navigate")]), "{method}");
        }
    }

    #[test]
    fn c68_without_a_fetch_mode_html_must_be_preferred() {
        for (accept, expected) in [
            (CHROME, true),
            ("text/html", true),
            ("TEXT/HTML; charset=utf-8", true),
            ("application/xhtml+xml, text/html", true),
            ("application/json;q=0.9, text/html", true),
            ("*/*", false),
            ("", false),
            ("application/json, text/plain, */*", false),
            ("application/json, text/html", false),
            ("text/html;q=0.9, application/json", false),
            ("text/html;q=0", false),
            ("text/html;q=x", false),
            ("text/html;q=0.é", false),
        ] {
            assert_eq!(navigates("GET", &[("accept", accept)]), expected, "{accept}");
        }
        assert!(!navigates("GET", &[]));
    }
}
