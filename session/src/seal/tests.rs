use super::*;
use crate::record::{SourceValues, TokenType, UserContext};
use secrecy::ExposeSecret as _;

fn keys() -> SessionKeys {
    SessionKeys::new(KeyRing::single("k1", [3; 32]))
}

fn id(byte: u8) -> SessionId {
    SessionId::from_random([byte; 32])
}

fn part() -> TokenPart {
    TokenPart {
        access_token: "at-1".to_owned().into(),
        obtained_at: 1_000,
        access_expires_at: Some(1_300),
        refresh_token: Some("rt-1".to_owned().into()),
        id_token: None,
        token_type: TokenType::Dpop,
        scope: "openid".to_owned(),
        dpop_key: Some(vec![1, 2].into()),
        profile: serde_json::Map::new(),
        context: UserContext::default(),
    }
}

fn sealed() -> Bytes {
    keys().seal_tokens(&id(1), "acme", 4, &part(), [9; 12]).unwrap()
}

#[test]
fn c40_tokens_open_only_with_cookie_key_tenant_and_version() {
    let opened = keys().open_tokens(&id(1), "acme", 4, &sealed()).unwrap();
    assert_eq!(opened.access_token.expose_secret(), "at-1");

    let refused = Some(SealError::Refused);
    assert_eq!(keys().open_tokens(&id(2), "acme", 4, &sealed()).err(), refused);
    assert_eq!(keys().open_tokens(&id(1), "globex", 4, &sealed()).err(), refused);
    assert_eq!(keys().open_tokens(&id(1), "acme", 5, &sealed()).err(), refused);
    let others = SessionKeys::new(KeyRing::single("k1", [4; 32]));
    assert_eq!(others.open_tokens(&id(1), "acme", 4, &sealed()).err(), refused);
}

fn ring(keys: &[(&str, u8)]) -> KeyRing {
    use base64::Engine as _;
    let entries = keys.iter().map(|(kid, byte)| {
        let mut key = [1; 32];
        key[0] = *byte;
        format!("{kid}:{}", base64::engine::general_purpose::STANDARD.encode(key))
    });
    KeyRing::parse(&entries.collect::<Vec<_>>().join(",")).unwrap()
}

#[test]
fn c40_rotation_keeps_old_records_readable() {
    let old = SessionKeys::new(ring(&[("a", 7)]));
    let both = SessionKeys::new(ring(&[("b", 8), ("a", 7)]));
    let sealed = old.seal_tokens(&id(1), "", 1, &part(), [1; 12]).unwrap();
    assert!(both.open_tokens(&id(1), "", 1, &sealed).is_ok());
    let newer = both.seal_tokens(&id(1), "", 1, &part(), [2; 12]).unwrap();
    assert_eq!(old.open_tokens(&id(1), "", 1, &newer).err(), Some(SealError::UnknownKey));
}

#[test]
fn c40_an_exchanged_ring_seals_and_tags_for_all_who_hold_it_and_a_key_taken_out_opens_nothing() {
    let keys = SessionKeys::new(ring(&[("a", 7)]));
    let holder = keys.clone();
    let seal = || holder.seal_tokens(&id(1), "", 1, &part(), [1; 12]).unwrap();
    let tag = || holder.tag(Purpose::Csrf, b"session");
    let is_ours = |tag: &[u8]| holder.tag_is_ours(Purpose::Csrf, b"session", tag);
    let open = |sealed: &Bytes| holder.open_tokens(&id(1), "", 1, sealed).map(drop);
    let (old, old_tag) = (seal(), tag());
    keys.exchange(ring(&[("b", 8), ("a", 7)]));
    assert_eq!(holder.kids(), ["b", "a"]);
    let (new, new_tag) = (seal(), tag());
    assert_eq!((open(&old), open(&new)), (Ok(()), Ok(())));
    assert!(is_ours(&old_tag) && is_ours(&new_tag) && old_tag != new_tag);
    keys.exchange(ring(&[("b", 8)]));
    assert_eq!((open(&old), open(&new)), (Err(SealError::UnknownKey), Ok(())));
    assert!(!is_ours(&old_tag) && is_ours(&new_tag));
}

#[test]
fn t11_no_byte_can_change() {
    for index in 0..sealed().len() {
        let mut changed = sealed().to_vec();
        changed[index] ^= 1;
        assert!(keys().open_tokens(&id(1), "acme", 4, &changed.into()).is_err(), "byte {index}");
    }
    for length in 0..sealed().len() {
        let cut = sealed().slice(..length);
        assert!(keys().open_tokens(&id(1), "acme", 4, &cut).is_err(), "length {length}");
    }
}

#[test]
fn t11_parts_cannot_stand_in_for_each_other() {
    let key = id(1).store_key();
    let management = keys().seal_management(&key, &Management::default(), [9; 12]).unwrap();
    assert!(keys().open_management(&key, &management).is_ok());
    assert!(keys().open_management(&id(2).store_key(), &management).is_err());
    assert!(keys().open_tokens(&id(1), "acme", 4, &management).is_err());
    assert!(keys().open_login("s", b"secret", &management).is_err());
}

#[test]
fn c03_login_secrets_open_only_in_the_browser_that_began() {
    let sealed = keys().seal_login("state", b"browser-a", b"verifier", [9; 12]).unwrap();
    assert_eq!(keys().open_login("state", b"browser-a", &sealed).unwrap().as_slice(), b"verifier");
    assert!(keys().open_login("state", b"browser-b", &sealed).is_err());
    assert!(keys().open_login("other", b"browser-a", &sealed).is_err());
}

#[test]
fn tags_serve_one_purpose() {
    let tag = keys().tag(Purpose::Csrf, b"session");
    assert!(keys().tag_is_ours(Purpose::Csrf, b"session", &tag));
    assert!(!keys().tag_is_ours(Purpose::Logout, b"session", &tag));
    assert!(!keys().tag_is_ours(Purpose::Csrf, b"another", &tag));
    assert!(!keys().tag_is_ours(Purpose::Csrf, b"session", b""));
}

/// The bytes of version 1. A change here is a new version, not an edit.
#[test]
fn golden_bytes_of_version_1() {
    let hex: String = sealed().iter().map(|byte| format!("{byte:02x}")).collect();
    insta::assert_snapshot!(hex);
}

/// The same with a user context, whose members are named here and nowhere else.
#[test]
fn golden_bytes_of_version_1_with_a_user_context() {
    let values = serde_json::json!({ "accounts.cash": "a-1" }).as_object().unwrap().clone();
    let context = [("accounts".to_owned(), SourceValues { read_at: 1_000, values })];
    let part = TokenPart { context: UserContext(context.into()), ..part() };
    let sealed = keys().seal_tokens(&id(1), "acme", 4, &part, [9; 12]).unwrap();
    let hex: String = sealed.iter().map(|byte| format!("{byte:02x}")).collect();
    insta::assert_snapshot!(hex);
}
