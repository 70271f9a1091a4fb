use super::*;
use bytes::Bytes;
use proptest::prelude::*;
use session::binding::{Bindings, Marks as _};
use session::edge::{EdgeKeys, EdgeView};
use session::id::SessionId;
use session::keys::KeyRing;
use session::store::StoreError;

use crate::identity::Identity;
use crate::scratch::Scratch;

fn keys() -> EdgeKeys {
    EdgeKeys::new(&KeyRing::single("k1", [3; 32]))
}

fn key() -> StoreKey {
    SessionId::from_random([7; 32]).store_key()
}

const AGENT: &[u8] = b"Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0";

fn view() -> EdgeView {
    EdgeView {
        auth_time: 990,
        expires_at: 30_000,
        last_seen: 1_000,
        idle_ttl: 600,
        user_id: "alice".into(),
        ..EdgeView::default()
    }
}

fn judge(view: &EdgeView, now: u64) -> Result<Identity, Refusal> {
    let sealed = keys().seal(&key(), view).unwrap();
    judge_raw(Ok(Some(sealed)), now)
}

/// As [`crate::read::Reader`] finds it.
fn judge_raw(found: Result<Option<Bytes>, StoreError>, now: u64) -> Result<Identity, Refusal> {
    let keys = keys();
    let found = found
        .map_err(Refusal::from)
        .and_then(|found| found.ok_or(Refusal::SessionUnknown))
        .and_then(|raw| Ok(keys.open(&key(), raw)?))
        .and_then(|edge| Ok(edge.alive(now)?));
    let question = Question {
        marks: &MarkMemo::new(),
        key: &key(),
        tenant: "",
        now,
        client: Client { user_agent: AGENT, ip: Some("192.0.2.1".parse().unwrap()) },
        policy: BindingPolicy { user_agent: Grade::Deny, ip: Grade::Deny },
        demands: &Demands::default(),
    };
    decide(&question, &found?)
        .decision
        .and_then(|admitted| Identity::of(admitted, &[], &Scratch::new()))
}

#[test]
fn t08_what_the_store_did_not_vouch_for_is_refused() {
    for (found, expected) in [
        (Ok(None), Refusal::SessionUnknown),
        (Ok(Some(Bytes::new())), Refusal::EdgeMalformed),
        (Ok(Some(Bytes::from_static(b"1"))), Refusal::EdgeVersion),
        (Err(StoreError::Unavailable), Refusal::StoreUnavailable),
        (Err(StoreError::TimedOut), Refusal::StoreTimeout),
        (Err(StoreError::Refused("WRONGTYPE".to_owned())), Refusal::StoreRefused),
    ] {
        assert_eq!(judge_raw(found, 1_000).unwrap_err(), expected);
    }
}

#[test]
fn t08_a_field_that_no_header_may_hold_is_refused_and_not_dropped() {
    for text in ["a\nb", "a\rb", "a\0b"] {
        let broken = EdgeView { user_id: text.as_bytes().to_vec().into(), ..view() };
        assert_eq!(judge(&broken, 1_000).unwrap_err(), Refusal::EdgeMalformed);
    }
}

proptest! {
    #[test]
    fn t08_no_bytes_of_a_stranger_admit_anyone(
        bytes in proptest::collection::vec(any::<u8>(), 0..400),
        now in any::<u64>(),
    ) {
        prop_assert!(judge_raw(Ok(Some(bytes.into())), now).is_err());
    }

    /// The decision is total, and lets in exactly those who fulfil every condition.
    #[test]
    fn t08_only_who_fulfils_every_condition_is_admitted(
        now in 0_u64..40_000,
        last_seen in 0_u64..40_000,
        idle_ttl in 0_u32..40_000,
        bound_here in any::<bool>(),
        suspended in any::<bool>(),
    ) {
        let agent = if bound_here { AGENT } else { b"curl/8" };
        let flags: &[u8] = if suspended { br#"{"suspended":true}"# } else { b"" };
        let view = EdgeView {
            last_seen,
            idle_ttl,
            bindings: Bindings {
                user_agent: Some(keys().binder().user_agent(agent)),
                ip: None,
            },
            master_flags: flags.into(),
            ..view()
        };
        let lives = now < 30_000 && now < last_seen.saturating_add(u64::from(idle_ttl));
        prop_assert_eq!(judge(&view, now).is_ok(), lives && bound_here && !suspended);
    }
}
