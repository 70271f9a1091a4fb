use super::*;
use crate::binding::{Bindings, IpMark};
use crate::id::SessionId;
use proptest::prelude::*;

fn keys() -> EdgeKeys {
    EdgeKeys::new(&KeyRing::single("k1", [3; 32]))
}

fn store_key(byte: u8) -> StoreKey {
    SessionId::from_random([byte; 32]).store_key()
}

fn view() -> EdgeView {
    EdgeView {
        created_at: 1_000,
        auth_time: 990,
        expires_at: 30_000,
        last_seen: 1_000,
        idle_ttl: 600,
        access_expires_at: 1_300,
        token_version: 2,
        bindings: Bindings { user_agent: Some([1; 16]), ip: Some(IpMark::V4([2; 16])) },
        tenant_id: "t1".into(),
        tenant_slug: "acme".into(),
        issuer: "https://idp.example".into(),
        user_id: "alice".into(),
        roles: "ADMIN,USER".into(),
        master_flags: "{}".into(),
        scopes: "openid orders:read".into(),
        groups: "staff".into(),
        acr: "urn:pwd".into(),
        claims: Bytes::new(),
    }
}

fn with_claims() -> EdgeView {
    let claims = [(claims::EMAIL, "alice@example.com"), (claims::EMAIL_VERIFIED, claims::YES)];
    EdgeView { claims: claims::encode(claims).unwrap(), ..view() }
}

#[test]
fn what_is_sealed_is_read_back() {
    let sealed = keys().seal(&store_key(1), &view()).unwrap();
    assert_eq!(keys().open(&store_key(1), sealed.clone()).unwrap().to_view(), view());
}

/// The bytes of version 1. A change here is a new version, not an edit.
#[test]
fn golden_bytes_of_version_1() {
    let sealed = keys().seal(&store_key(1), &view()).unwrap();
    let hex: String = sealed.iter().map(|byte| format!("{byte:02x}")).collect();
    insta::assert_snapshot!(hex);
}

/// The bytes of version 2, which has claims.
#[test]
fn golden_bytes_of_version_2() {
    let sealed = keys().seal(&store_key(1), &with_claims()).unwrap();
    let hex: String = sealed.iter().map(|byte| format!("{byte:02x}")).collect();
    insta::assert_snapshot!(hex);
}

/// A replica that knows version 1 alone can read what one that knows both has slid.
#[test]
fn a_view_without_claims_stays_in_version_1() {
    let sealed = keys().seal(&store_key(1), &view()).unwrap();
    let live = keys().open(&store_key(1), sealed).unwrap().alive(1_100).unwrap();
    assert_eq!(live.claim(claims::EMAIL), None);
    let slid = keys().slide(&store_key(1), &live, 1_100).unwrap();
    assert_eq!(slid.first(), Some(&1));
}

#[test]
fn claims_are_read_where_they_stand_and_survive_a_slide() {
    let sealed = keys().seal(&store_key(1), &with_claims()).unwrap();
    assert_eq!(sealed.first(), Some(&2));
    let live = keys().open(&store_key(1), sealed).unwrap().alive(1_100).unwrap();
    assert_eq!(live.claim(claims::EMAIL), Some(&b"alice@example.com"[..]));
    assert_eq!(live.claim(claims::NAME), None);
    let slid = keys().slide(&store_key(1), &live, 1_100).unwrap();
    let slid = keys().open(&store_key(1), slid).unwrap();
    assert_eq!(slid.to_view(), EdgeView { last_seen: 1_100, ..with_claims() });
}

#[test]
fn t11_a_view_cannot_move_to_another_session() {
    let sealed = keys().seal(&store_key(1), &view()).unwrap();
    assert_eq!(keys().open(&store_key(2), sealed).unwrap_err(), EdgeError::Forged);
}

#[test]
fn t11_no_byte_can_change() {
    for view in [view(), with_claims()] {
        no_byte_can_change(&keys().seal(&store_key(1), &view).unwrap());
    }
}

fn no_byte_can_change(sealed: &Bytes) {
    for index in 0..sealed.len() {
        let mut changed = sealed.to_vec();
        changed[index] ^= 1;
        assert!(keys().open(&store_key(1), changed.into()).is_err(), "byte {index}");
    }
    for length in 0..sealed.len() {
        assert!(keys().open(&store_key(1), sealed.slice(..length)).is_err(), "length {length}");
    }
}

#[test]
fn c40_rotation_keeps_old_views_readable() {
    let old = keys().seal(&store_key(1), &view()).unwrap();
    let mut both = EdgeKeys::new(&KeyRing::single("k2", [4; 32]));
    assert_eq!(both.open(&store_key(1), old.clone()).unwrap_err(), EdgeError::UnknownKey);
    both.older.push(keys().writer);
    assert!(both.open(&store_key(1), old.clone()).is_ok());

    // A slide keeps the key, because the binding marks belong to it.
    let live = both.open(&store_key(1), old.clone()).unwrap().alive(1_100).unwrap();
    let slid = both.slide(&store_key(1), &live, 1_100).unwrap();
    assert_eq!(keys().open(&store_key(1), slid).unwrap().last_seen(), 1_100);
}

#[test]
fn c41_both_ends_of_life_are_enforced_by_our_clock() {
    let open = || {
        let sealed = keys().seal(&store_key(1), &view()).unwrap();
        keys().open(&store_key(1), sealed.clone()).unwrap()
    };
    assert!(open().alive(1_599).is_ok());
    assert_eq!(open().alive(1_600).unwrap_err(), Ended::Idle);
    assert_eq!(open().alive(30_000).unwrap_err(), Ended::Expired);
}

#[test]
fn a_session_is_slid_at_most_once_a_minute() {
    let sealed = keys().seal(&store_key(1), &view()).unwrap();
    let live = keys().open(&store_key(1), sealed.clone()).unwrap().alive(1_001).unwrap();
    assert!(!live.due_to_slide(1_059));
    assert!(live.due_to_slide(1_060));
}

proptest! {
    #[test]
    fn t08_no_bytes_of_a_stranger_are_believed(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        prop_assert!(keys().open(&store_key(1), bytes.into()).is_err());
    }

    #[test]
    fn decode_takes_any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..400), claims in any::<bool>()) {
        // Reached only behind a good MAC, but a bug in a writer must not become a panic here.
        let _any_answer = frame::layout(&bytes, 5, claims);
    }
}
