//! Owns: whether a request shows a token at all, and the text of it.

use http::HeaderMap;
use http::header::AUTHORIZATION;

/// Longer than any token that is taken.
const MAX_TOKEN: usize = 8 * 1024;

/// A token as it was shown.
pub(super) struct Shown<'a> {
    scheme: &'a str,
    pub(super) token: &'a str,
}

impl<'a> Shown<'a> {
    /// The one `Authorization` header, if it is written as one.
    pub(super) fn read(headers: &'a HeaderMap) -> Option<Self> {
        let mut lines = headers.get_all(AUTHORIZATION).iter();
        let (only, more) = (lines.next()?, lines.next());
        let (scheme, token) = only.to_str().ok().filter(|_| more.is_none())?.split_once(' ')?;
        Some(Self { scheme, token: token.trim_start_matches(' ') })
    }

    /// The token, if it can only be judged by its issuer: well formed, shown as `Bearer`, and no JWT.
    pub(super) fn opaque(headers: &'a HeaderMap) -> Option<&'a str> {
        let Self { scheme, token } = Self::read(headers)?;
        let plain = |byte: u8| {
            byte.is_ascii_alphanumeric()
                || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'+' | b'/' | b'=')
        };
        let well_formed = (1..=MAX_TOKEN).contains(&token.len()) && token.bytes().all(plain);
        let is_jwt = token.split('.').count() == 3;
        (scheme.eq_ignore_ascii_case("bearer") && well_formed && !is_jwt).then_some(token)
    }
}

/// Whether a request tries to use a token, in whatever form. Then nothing else decides about it.
pub(crate) fn shows_token(headers: &HeaderMap) -> bool {
    headers.get_all(AUTHORIZATION).iter().any(|line| {
        let scheme = line.as_bytes().split(u8::is_ascii_whitespace).next().unwrap_or_default();
        scheme.eq_ignore_ascii_case(b"bearer") || scheme.eq_ignore_ascii_case(b"dpop")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[&str]) -> HeaderMap {
        lines.iter().map(|line| (AUTHORIZATION, line.parse().unwrap())).collect()
    }

    #[test]
    fn whatever_tries_to_be_a_token_decides() {
        for lines in [
            &["Bearer a"][..],
            &["bearer"],
            &["DPoP x y"],
            &["Basic a", "BEARER a"],
            &["Bearer\ta"],
        ] {
            assert!(shows_token(&headers(lines)), "{lines:?}");
        }
        for lines in [&[][..], &["Basic YTpi"], &["Bearerish a"], &[""]] {
            assert!(!shows_token(&headers(lines)), "{lines:?}");
        }
    }

    #[test]
    fn only_a_well_formed_token_that_is_no_jwt_goes_to_its_issuer() {
        let long = format!("Bearer {}", "a".repeat(MAX_TOKEN + 1));
        assert_eq!(Shown::opaque(&headers(&["Bearer abc"])), Some("abc"));
        assert_eq!(Shown::opaque(&headers(&["bearer  a.b"])), Some("a.b"));
        for lines in [
            &["Bearer a.b.c"][..],
            &["DPoP abc"],
            &["Bearer"],
            &["Bearer "],
            &["Bearer a b"],
            &["Bearer a,b"],
            &["Bearer a", "Bearer a"],
            &[&*long],
        ] {
            assert_eq!(Shown::opaque(&headers(lines)), None, "{lines:?}");
        }
    }
}
