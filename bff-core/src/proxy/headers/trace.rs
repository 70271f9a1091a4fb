//! Owns: the trace that a call belongs to, by W3C Trace Context: the caller's where that can be read, else
//! one that begins here.
//!
//! Where traces are exported, `traces` knows the request's, which has spans of ours. Else one of ours has the
//! request's id for its own, which our logs tell. It is not sampled: whether to keep spans is for who begins a
//! trace with some.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue};
use shell::random::Random;
use shell::request_id::RequestId;
use shell::traces::{TRACEPARENT, TRACESTATE, TraceContext};

use crate::traces;

/// Hexadecimal digits of a trace's id.
const TRACE: usize = 32;
/// The same of a parent's.
const PARENTS: usize = 16;

/// Leaves a valid `traceparent` as it is, puts one of our own in the place of any other, and takes the
/// `tracestate` away that came with it.
pub(in crate::proxy) fn put_trace(headers: &mut HeaderMap, id: &RequestId, random: &dyn Random) {
    if traces::put(headers) || TraceContext::of_headers(headers).is_some() {
        return;
    }
    headers.remove(&TRACESTATE);
    match begun(id, random) {
        Some(parent) => headers.insert(TRACEPARENT, parent),
        None => headers.remove(&TRACEPARENT),
    };
}

fn is_hexadecimal(part: &[u8], length: usize) -> bool {
    part.len() == length && part.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// Nothing but zeros names nothing.
fn is_id(digits: &[u8]) -> bool {
    digits.iter().any(|digit| *digit != b'0')
}

fn begun(id: &RequestId, random: &dyn Random) -> Option<HeaderValue> {
    let trace = trace_id(id).or_else(|| trace_id(&RequestId::fresh(random)))?;
    // Random as the rest, and other requests have another: no need for more.
    let parent = trace.last_chunk::<PARENTS>()?;
    let text = Bytes::from([b"00-", &trace[..], b"-", parent, b"-00"].concat());
    HeaderValue::from_maybe_shared(text).ok()
}

/// The digits of an id that we made, or that a proxy did in the form of a UUID. `None` for any other.
fn trace_id(id: &RequestId) -> Option<[u8; TRACE]> {
    let of_ours = id.as_bytes().first_chunk().filter(|_| id.as_bytes().len() == TRACE);
    if let Some(digits) = of_ours.filter(|digits| is_hexadecimal(&digits[..], TRACE)) {
        return has_parent(digits).then_some(*digits);
    }
    let mut trace = [0; TRACE];
    let mut places = trace.iter_mut();
    for byte in id.as_bytes().iter().filter(|byte| **byte != b'-') {
        if !byte.is_ascii_hexdigit() {
            return None;
        }
        *places.next()? = byte.to_ascii_lowercase();
    }
    (places.next().is_none() && has_parent(&trace)).then_some(trace)
}

/// Whether the second half, which is the parent's id, is one.
fn has_parent(trace: &[u8; TRACE]) -> bool {
    trace.last_chunk::<PARENTS>().is_some_and(|parent| is_id(parent))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use shell::random::{CountingRandom, SystemRandom};

    use super::*;

    /// The example of the recommendation, section 3.2.2.5.1.
    const VALID: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    const ID: &str = "0af7651916cd43dd8448eb211c80319c";

    fn put(parents: &[&str], id: &str) -> (Vec<String>, bool) {
        let mut headers = HeaderMap::new();
        for parent in parents {
            headers.append(TRACEPARENT, parent.parse().unwrap());
        }
        headers.append(TRACESTATE, "vendor=1".parse().unwrap());
        headers.append(TRACESTATE, "other=2".parse().unwrap());
        put_trace(&mut headers, &RequestId::parse(id.as_bytes()).unwrap(), &SystemRandom);
        let parents =
            headers.get_all(TRACEPARENT).iter().map(|value| value.to_str().unwrap().to_owned());
        (parents.collect(), headers.get_all(TRACESTATE).iter().count() == 2)
    }

    #[test]
    fn a_trace_that_can_be_read_goes_on_with_its_state() {
        let longer = VALID.replacen("00", "cc", 1);
        let with_more = format!("{longer}-what-comes-later");
        for valid in [VALID, &VALID.replace("-01", "-00"), &longer, &with_more] {
            assert_eq!(put(&[valid], ID), (vec![valid.to_owned()], true), "{valid}");
        }
    }

    #[test]
    fn in_place_of_any_other_one_begins_that_has_the_requests_id() {
        let ours = "00-0af7651916cd43dd8448eb211c80319c-8448eb211c80319c-00";
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
        ] {
            assert_eq!(put(&[invalid], ID), (vec![ours.to_owned()], false), "{invalid}");
        }
        assert_eq!(put(&[], ID), (vec![ours.to_owned()], false));
        assert_eq!(put(&[VALID, VALID], ID), (vec![ours.to_owned()], false), "two are none");
        let uuid = "0AF76519-16cd-43dd-8448-eb211c80319c";
        assert_eq!(put(&[], uuid), (vec![ours.to_owned()], false));
    }

    #[test]
    fn an_id_that_is_none_of_a_trace_is_left_and_random_taken() {
        for id in [
            "request-0001",
            &"0".repeat(32),
            "af7651916cd43dd8448eb211c80319c",
            &format!("{ID}0"),
            &format!("{ID}-x"),
        ] {
            let [(first, _), (second, _)] = [put(&[], id), put(&[], id)];
            assert!(TraceContext::parse(first[0].as_bytes()).is_some(), "{first:?}");
            assert_ne!(first, second);
        }
        let odd = RequestId::parse(b"request-0001").unwrap();
        assert_eq!(begun(&odd, &CountingRandom::default()).unwrap().len(), 55);
    }

    proptest! {
        #[test]
        fn whatever_came_what_goes_on_is_valid(parent in "[0-9a-fA-Fg-]{0,60}", id in "[A-Za-z0-9._-]{8,64}") {
            let (parents, _) = put(&[&parent], &id);
            prop_assert_eq!(parents.len(), 1);
            prop_assert!(TraceContext::parse(parents[0].as_bytes()).is_some(), "{:?}", parents);
        }
    }
}
