//! Owns: which spellings of a path are taken at all.
//!
//! A path that two parsers could read differently reaches no service (class T2): dot segments,
//! empty segments, encoded slashes, dots, backslashes, percent signs and controls, parameters
//! behind `;`. What is left has one meaning for Traefik, for us and for the service.

/// A path that has one meaning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PlainPath(String);

impl PlainPath {
    /// Takes `path` as it stands on the request line.
    pub(super) fn parse(path: &str) -> Option<Self> {
        if !path.starts_with('/') {
            return None;
        }
        let mut bytes = path.bytes();
        while let Some(byte) = bytes.next() {
            match byte {
                b'%' => {
                    let decoded = hex(bytes.next()?)? * 16 + hex(bytes.next()?)?;
                    let unclear =
                        matches!(decoded, b'/' | b'\\' | b'.' | b'%' | b';' | b'?' | b'#');
                    if unclear || decoded.is_ascii_control() {
                        return None;
                    }
                }
                b'\\' | b';' | b'#' | b'?' => return None,
                _ if !byte.is_ascii_graphic() => return None,
                _ => {}
            }
        }
        let mut segments = path.split('/').skip(1).peekable();
        while let Some(segment) = segments.next() {
            let last = segments.peek().is_none();
            if matches!(segment, "." | "..") || (segment.is_empty() && !last) {
                return None;
            }
        }
        decodes_to_utf8(path).then(|| Self(path.to_owned()))
    }

    /// The path.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

fn decodes_to_utf8(path: &str) -> bool {
    percent_encoding::percent_decode_str(path).decode_utf8().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn t02_only_paths_with_one_meaning_are_taken() {
        for good in
            ["/", "/api/orders", "/api/orders/", "/a/b-c_d~e/1.json", "/caf%C3%A9", "/a:b@c,d=e+f"]
        {
            assert!(PlainPath::parse(good).is_some(), "{good}");
        }
        for bad in [
            "",
            "api",
            "//api",
            "/api//orders",
            "/api/./orders",
            "/api/../orders",
            "/api/..",
            "/.",
            "/api/%2e%2e/orders",
            "/api%2forders",
            "/api%2Forders",
            "/api%5corders",
            "/api\\orders",
            "/api/%00",
            "/api;x=1",
            "/api%3bx",
            "/api%252e",
            "/api%",
            "/api%2",
            "/api%zz",
            "/caf\u{e9}",
            "/a b",
            "/a#b",
            "/a%23b",
            "/a%3fb",
            "/%ff",
            "/a\u{7f}",
        ] {
            assert!(PlainPath::parse(bad).is_none(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn t02_a_plain_path_means_the_same_to_a_normalising_parser(path in "/[a-z0-9/%.;\\\\2eEfF5cC]{0,24}") {
            if let Some(plain) = PlainPath::parse(&path) {
                let url = url::Url::parse(&format!("http://host{}", plain.as_str())).unwrap();
                prop_assert_eq!(url.path(), plain.as_str());
            }
        }
    }
}
