//! Owns: which spellings of a path are taken at all.
//!
//! A path that two parsers could read differently reaches no service (class T2): dot segments,
//! empty segments, encoded slashes, dots, backslashes, percent signs and controls, parameters
//! behind `;`. What is left has one meaning for Traefik, for us and for the service.

/// A path that has one meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PlainPath<'a>(&'a str);

impl<'a> PlainPath<'a> {
    /// Takes `path` as it stands on the request line.
    pub(super) fn parse(path: &'a str) -> Option<Self> {
        let mut bytes = path.bytes();
        if bytes.next() != Some(b'/') {
            return None;
        }
        let mut is_escaped = false;
        let mut segment = Segment::Empty;
        while let Some(byte) = bytes.next() {
            match byte {
                b'/' if segment.may_end() => {
                    segment = Segment::Empty;
                    continue;
                }
                b'%' => {
                    is_escaped = true;
                    let decoded = hex(bytes.next()?)? * 16 + hex(bytes.next()?)?;
                    let unclear =
                        matches!(decoded, b'/' | b'\\' | b'.' | b'%' | b';' | b'?' | b'#');
                    if unclear || decoded.is_ascii_control() {
                        return None;
                    }
                }
                b'/' | b'\\' | b';' | b'#' | b'?' => return None,
                _ if !byte.is_ascii_graphic() => return None,
                _ => {}
            }
            segment = segment.with(byte);
        }
        if segment != Segment::Empty && !segment.may_end() {
            return None;
        }
        (!is_escaped || decodes_to_utf8(path)).then_some(Self(path))
    }

    /// The path.
    pub(super) const fn as_str(&self) -> &'a str {
        self.0
    }
}

/// What a segment is so far.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Segment {
    Empty,
    Dot,
    Dots,
    Name,
}

impl Segment {
    const fn with(self, byte: u8) -> Self {
        match (self, byte) {
            (Self::Empty, b'.') => Self::Dot,
            (Self::Dot, b'.') => Self::Dots,
            _ => Self::Name,
        }
    }

    /// Whether more may follow it: an empty one is the last, and the others have two meanings.
    const fn may_end(self) -> bool {
        matches!(self, Self::Name)
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
