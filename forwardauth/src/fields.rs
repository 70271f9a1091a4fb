//! Owns: finding the header fields that verify reads, in one pass over a request's header: ten look-ups
//! by name would hash ten names, for every request.

use http::HeaderMap;
use http::header::{COOKIE, HOST, HeaderName, HeaderValue, UPGRADE, USER_AGENT};

/// The lines of one field.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) enum Lines<'a> {
    /// None.
    #[default]
    Absent,
    /// One, with this value.
    One(&'a HeaderValue),
    /// Several.
    Several,
}

impl<'a> Lines<'a> {
    fn add(&mut self, value: &'a HeaderValue) {
        *self = match self {
            Self::Absent => Self::One(value),
            Self::One(_) | Self::Several => Self::Several,
        };
    }

    /// Whether there is a line at all.
    pub(crate) const fn is_present(self) -> bool {
        !matches!(self, Self::Absent)
    }

    /// Whether `test` holds for any line of the field `name` of `headers`, which these are.
    pub(crate) fn any(
        self,
        headers: &'a HeaderMap,
        name: &HeaderName,
        test: impl Fn(&[u8]) -> bool,
    ) -> bool {
        match self {
            Self::Absent => false,
            Self::One(value) => test(value.as_bytes()),
            Self::Several => headers.get_all(name).iter().any(|value| test(value.as_bytes())),
        }
    }

    /// The values of all lines of the field `name` of `headers`, which these are.
    pub(crate) fn values(
        self,
        headers: &'a HeaderMap,
        name: &HeaderName,
    ) -> impl DoubleEndedIterator<Item = &'a [u8]> {
        let (one, several) = match self {
            Self::Absent => (None, None),
            Self::One(value) => (Some(value), None),
            Self::Several => (None, Some(headers.get_all(name))),
        };
        one.into_iter().chain(several.into_iter().flatten()).map(HeaderValue::as_bytes)
    }
}

/// The fields that verify reads of every request.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Fields<'a> {
    pub(crate) cookie: Lines<'a>,
    pub(crate) fetch_mode: Lines<'a>,
    pub(crate) forwarded_for: Lines<'a>,
    pub(crate) forwarded_host: Lines<'a>,
    pub(crate) forwarded_method: Lines<'a>,
    pub(crate) forwarded_proto: Lines<'a>,
    pub(crate) forwarded_uri: Lines<'a>,
    pub(crate) host: Lines<'a>,
    pub(crate) request_id: Lines<'a>,
    pub(crate) upgrade: Lines<'a>,
    pub(crate) user_agent: Lines<'a>,
}

impl<'a> Fields<'a> {
    /// Looks through `headers` once.
    pub(crate) fn of(headers: &'a HeaderMap) -> Self {
        let mut fields = Self::default();
        for (name, value) in headers {
            let lines = match *name {
                HOST => &mut fields.host,
                COOKIE => &mut fields.cookie,
                UPGRADE => &mut fields.upgrade,
                USER_AGENT => &mut fields.user_agent,
                _ => {
                    let name = name.as_str();
                    // By length first: one jump instead of seven comparisons.
                    match name.len() {
                        12 if name == "x-request-id" => &mut fields.request_id,
                        14 if name == "sec-fetch-mode" => &mut fields.fetch_mode,
                        15 if name == "x-forwarded-for" => &mut fields.forwarded_for,
                        15 if name == "x-forwarded-uri" => &mut fields.forwarded_uri,
                        16 if name == "x-forwarded-host" => &mut fields.forwarded_host,
                        17 if name == "x-forwarded-proto" => &mut fields.forwarded_proto,
                        18 if name == "x-forwarded-method" => &mut fields.forwarded_method,
                        _ => continue,
                    }
                }
            };
            lines.add(value);
        }
        fields
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// One pass finds what looking up the name finds, in its order.
        #[test]
        fn c37_no_line_is_overlooked(lines in proptest::collection::vec((0..3_usize, "[a-z]{1,3}"), 0..12)) {
            let names = ["cookie", "x-forwarded-for", "accept"];
            let mut headers = HeaderMap::new();
            for (name, value) in &lines {
                headers.append(names[*name], value.parse().unwrap());
            }
            let found: Vec<_> = Fields::of(&headers).cookie.values(&headers, &COOKIE).collect();
            let expected: Vec<_> = headers.get_all(COOKIE).iter().map(HeaderValue::as_bytes).collect();
            prop_assert_eq!(found, expected);
        }
    }
}
