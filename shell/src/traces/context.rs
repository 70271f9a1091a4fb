//! Owns: W3C Trace Context, level 1: which trace a request belongs to, read from `traceparent` and written to
//! one. Whose word is believed is for the caller to decide.

use std::fmt;

use http::{HeaderMap, HeaderName, HeaderValue};

/// The header that names a trace and the span which asks.
pub const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
/// What vendors add to it.
pub const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// What version 00 has; later ones may have more behind it (section 4 of the recommendation).
const LENGTH: usize = 55;
const SAMPLED: u8 = 1;

/// The name of a trace, 32 hexadecimal digits. Never zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TraceId(pub(super) u128);

impl TraceId {
    /// Its second half.
    #[expect(clippy::cast_possible_truncation, reason = "the first half is left out")]
    const fn half(self) -> u64 {
        self.0 as u64
    }
}

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// A trace, and the span in it from which one goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TraceContext {
    /// The trace.
    pub trace: TraceId,
    /// The span. Never zero.
    pub(super) span: u64,
    /// Whether who began the trace keeps its spans.
    pub sampled: bool,
}

impl TraceContext {
    /// What the one `traceparent` among `headers` says. `None` without one, and with two.
    pub fn of_headers(headers: &HeaderMap) -> Option<Self> {
        let mut lines = headers.get_all(TRACEPARENT).iter();
        let line = lines.next()?;
        if lines.next().is_some() { None } else { Self::parse(line.as_bytes()) }
    }

    /// The value of a `traceparent`.
    pub fn parse(line: &[u8]) -> Option<Self> {
        let (known, more) = line.split_first_chunk::<LENGTH>()?;
        let mut parts = known.split(|byte| *byte == b'-');
        let mut part = |length| parts.next().and_then(|part| number(part, length));
        let (version, trace, span, flags) = (part(2)?, part(32)?, part(16)?, part(2)?);
        let may_have_more = version != 0 && more.first() == Some(&b'-');
        let is_read = version != 0xff && (more.is_empty() || may_have_more);
        let span = u64::try_from(span).ok().filter(|span| *span != 0);
        let sampled = flags & u128::from(SAMPLED) != 0;
        span.filter(|_| is_read && trace != 0).map(|span| Self {
            trace: TraceId(trace),
            span,
            sampled,
        })
    }

    /// A trace that begins here and that nobody keeps. Its second half, which is not zero, serves as the span.
    pub(super) const fn unkept(trace: TraceId) -> Self {
        Self { trace, span: trace.half(), sampled: false }
    }

    /// The `traceparent` of a request that is made in this span.
    pub fn header(&self) -> Option<HeaderValue> {
        let flags = if self.sampled { SAMPLED } else { 0 };
        let text = format!("00-{}-{:016x}-{flags:02x}", self.trace, self.span);
        HeaderValue::try_from(text).ok()
    }
}

/// A number of exactly `length` hexadecimal digits, none of them a capital.
fn number(digits: &[u8], length: usize) -> Option<u128> {
    let known = |byte: &u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    if digits.len() != length || !digits.iter().all(known) {
        return None;
    }
    u128::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The example of the recommendation, section 3.2.2.5.1.
    const VALID: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn the_example_of_the_recommendation_is_read_and_written() {
        let context = TraceContext::parse(VALID.as_bytes()).unwrap();
        assert!(context.sampled);
        assert_eq!(context.trace.to_string(), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_eq!(context.header().unwrap(), VALID);
        let later = VALID.replacen("00", "cc", 1);
        let unsampled = VALID.replace("-01", "-00");
        for valid in [unsampled.clone(), later.clone(), format!("{later}-what-comes-later")] {
            assert!(TraceContext::parse(valid.as_bytes()).is_some(), "{valid}");
        }
        assert!(!TraceContext::parse(unsampled.as_bytes()).unwrap().sampled);
    }

    #[test]
    fn what_names_no_trace_is_none() {
        for invalid in [
            "",
            "x",
            &VALID.to_uppercase(),
            &VALID.replacen("00", "ff", 1),
            VALID.strip_suffix('1').unwrap(),
            &format!("{VALID}-more"),
            &format!("{}x", VALID.replacen("00", "cc", 1)),
            &VALID.replace("4bf92f3577b34da6a3ce929d0e0e4736", &"0".repeat(32)),
            &VALID.replace("00f067aa0ba902b7", &"0".repeat(16)),
            &VALID.replace("-01", "-0g"),
            &VALID.replace("b7-", "-b7"),
            &VALID.replace('-', "_"),
            &VALID.replace("00f067aa", "+0f067aa"),
        ] {
            assert_eq!(TraceContext::parse(invalid.as_bytes()), None, "{invalid}");
        }
    }

    #[test]
    fn two_lines_are_none() {
        let mut headers = HeaderMap::new();
        headers.append(TRACEPARENT, VALID.parse().unwrap());
        assert!(TraceContext::of_headers(&headers).is_some());
        headers.append(TRACEPARENT, VALID.parse().unwrap());
        assert!(TraceContext::of_headers(&headers).is_none());
    }

    proptest! {
        #[test]
        fn what_is_read_is_written_alike(line in "00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]") {
            if let Some(context) = TraceContext::parse(line.as_bytes()) {
                prop_assert_eq!(context.header().unwrap(), line.as_str());
            }
        }

        #[test]
        fn t17_no_line_is_too_odd(line in proptest::collection::vec(any::<u8>(), 0..80)) {
            let read = TraceContext::parse(&line);
            prop_assert!(read.is_none_or(|context| context.header().is_some()));
        }
    }
}
