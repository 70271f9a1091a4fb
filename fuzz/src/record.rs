//! Target: what stands in the store under a session's key.
//!
//! Oracle: without the keys no bytes are an edge view or open as a sealed part, but those that were written.
//! Bytes that are MAC'ed with the key, by the format's description and not by our code, are read or refused, and
//! what was read is written and read again as the same. What is sealed opens as what it was.

use std::sync::LazyLock;

use bytes::Bytes;
use ring::hmac;
use secrecy::ExposeSecret as _;
use session::edge::{EdgeKeys, EdgeView};
use session::id::{SessionId, StoreKey};
use session::keys::KeyRing;
use session::record::{Management, TokenPart, TokenType};
use session::seal::SessionKeys;

use crate::scene;

const RAW_KEY: &[u8; 32] = b"a key of 32 bytes, of no worth..";
/// [`RAW_KEY`] as the settings have it.
const RING: &str = "k:YSBrZXkgb2YgMzIgYnl0ZXMsIG9mIG5vIHdvcnRoLi4=";
const NONCE: [u8; 12] = [3; 12];

struct Keys {
    edge: EdgeKeys,
    session: SessionKeys,
    id: SessionId,
    key: StoreKey,
    /// What was written.
    view: Bytes,
}

static KEYS: LazyLock<Keys> = LazyLock::new(|| {
    let ring = || KeyRing::parse(RING).expect("a key ring");
    let (edge, id) = (EdgeKeys::new(&ring()), scene::id());
    let key = id.store_key();
    let view = edge.seal(&key, &scene::alice()).expect("a view");
    Keys { edge, session: SessionKeys::new(ring()), id, key, view }
});

/// Reads it.
pub(crate) fn run(data: &[u8]) {
    nothing_opens(data);
    a_view_is_read_or_refused(data);
    what_is_sealed_opens(data);
}

fn nothing_opens(data: &[u8]) {
    let Keys { edge, session, id, key, view } = &*KEYS;
    let raw = Bytes::copy_from_slice(data);
    let is_ours = edge.open(key, raw.clone()).is_ok();
    assert_eq!(is_ours, raw == *view, "{}", data.escape_ascii());
    assert!(session.open_tokens(id, "", 1, &raw).is_err());
    assert!(session.open_management(key, &raw).is_err());
    assert!(session.open_login("state", b"secret", &raw).is_err());
}

/// docs/SESSION-FORMAT.md, "The edge view".
fn a_view_is_read_or_refused(body: &[u8]) {
    let Keys { edge, key, .. } = &*KEYS;
    for version in [1, 2] {
        let mut raw = vec![version, 1, b'k'];
        raw.extend(body);
        let root = hmac::Key::new(hmac::HMAC_SHA256, RAW_KEY);
        let derived = hmac::sign(&root, b"wicketgate edge mac v1");
        let mac = hmac::Key::new(hmac::HMAC_SHA256, derived.as_ref());
        let tag = hmac::sign(&mac, &[&key.as_bytes()[..], &raw].concat());
        raw.extend(tag.as_ref());
        let Ok(frame) = edge.open(key, raw.into()) else { continue };
        let read = frame.to_view();
        let again = edge.seal(key, &read).expect("fields that were read are short enough");
        assert_eq!(edge.open(key, again).expect("our own").to_view(), read);
        assert!(frame.claim("email").is_none_or(|email| email.len() <= body.len()));
        drop(frame.alive(scene::NOW));
    }
}

/// The bytes as texts of a record, cut at line feeds.
fn what_is_sealed_opens(data: &[u8]) {
    let Keys { edge, session, id, key, .. } = &*KEYS;
    let mut texts =
        data.split(|byte| *byte == b'\n').map(|part| String::from_utf8_lossy(part).into_owned());
    let mut next = || texts.next().unwrap_or_default();
    let (access, scope, tenant, subject, device) = (next(), next(), next(), next(), next());
    let part = TokenPart {
        access_token: access.clone().into(),
        obtained_at: 1,
        access_expires_at: (!scope.is_empty()).then_some(2),
        refresh_token: (!tenant.is_empty()).then(|| subject.clone().into()),
        id_token: None,
        token_type: TokenType::Bearer,
        scope: scope.clone(),
        dpop_key: Some(data.to_vec().into()),
        profile: serde_json::Map::from_iter([(device.clone(), access.clone().into())]),
        context: session::record::UserContext::default(),
    };
    if let Ok(sealed) = session.seal_tokens(id, &tenant, 1, &part, NONCE) {
        let back = session.open_tokens(id, &tenant, 1, &sealed).expect("our own");
        assert_eq!(back.access_token.expose_secret(), access);
        assert_eq!((back.scope, back.profile), (scope, part.profile));
        assert_eq!(back.dpop_key.expect("a key").expose_secret(), data);
        assert!(session.open_tokens(id, &format!("{tenant}x"), 1, &sealed).is_err());
        assert!(session.open_tokens(id, &tenant, 2, &sealed).is_err());
        assert!(session.open_management(key, &sealed).is_err());
    }
    let managed = Management { subject: subject.clone(), device, tenant, ..Management::default() };
    let sealed = session.seal_management(key, &managed, NONCE).expect("JSON");
    assert_eq!(session.open_management(key, &sealed).expect("our own"), managed);

    let view = EdgeView { user_id: subject.into(), roles: access.into(), ..EdgeView::default() };
    if let Ok(sealed) = edge.seal(key, &view) {
        assert_eq!(edge.open(key, sealed).expect("our own").to_view(), view);
    }
}
