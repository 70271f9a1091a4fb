use super::*;
use crate::edge::{EdgeKeys, EdgeView};
use crate::id::SessionId;
use crate::keys::KeyRing;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _,
};
use serde_json::json;
use shell::config::Settings;
use shell::random::CountingRandom;
use std::sync::Arc;
use validator_lib::{ContextClaims, Incoming, KeySet, Refusal, Token, Validator};

const NOW: u64 = 1_700_000_000;
const ISSUER: &str = "https://edge.example";
const AUDIENCE: &str = "https://orders.internal";

fn p256(kid: &str) -> Value {
    // ring gives no private scalar away but in PKCS#8, where it stands at a fixed place (RFC 5915).
    let random = ring::rand::SystemRandom::new();
    let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
    let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.as_ref(), &random)
        .unwrap();
    let point = pair.public_key().as_ref();
    let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    json!({
        "kty": "EC", "crv": "P-256", "kid": kid,
        "x": text(&point[1..33]), "y": text(&point[33..]), "d": text(&pkcs8.as_ref()[36..68]),
    })
}

fn ed25519(kid: &str, seed: u8) -> Value {
    let pair = Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap();
    let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    json!({
        "kty": "OKP", "crv": "Ed25519", "kid": kid,
        "x": text(pair.public_key().as_ref()), "d": text(&[seed; 32]),
    })
}

fn signer(keys: &[Value]) -> ContextSigner {
    let keys = ContextKeys::parse(&Value::from(keys).to_string()).unwrap();
    ContextSigner::new(keys, ISSUER.to_owned(), LIFE_MAX)
}

fn key() -> StoreKey {
    SessionId::from_random([7; 32]).store_key()
}

fn view() -> EdgeView {
    EdgeView {
        auth_time: NOW - 110,
        expires_at: NOW + 28_700,
        last_seen: NOW,
        idle_ttl: 3_600,
        token_version: 1,
        tenant_id: "t1".into(),
        user_id: header_text::encode("zoë % x").into(),
        roles: header_text::encode_list(["ADMIN", "a,b"]).into(),
        scopes: "openid orders:read".into(),
        acr: "urn:pwd".into(),
        ..EdgeView::default()
    }
}

fn live(view: &EdgeView) -> LiveEdge {
    let keys = EdgeKeys::new(&KeyRing::single("k1", [9; 32]));
    keys.open(&key(), keys.seal(&key(), view).unwrap()).unwrap().alive(NOW).unwrap()
}

/// As a service checks one that trusts what `signer` publishes.
async fn checked(signer: &ContextSigner, authorization: &str, now: u64) -> Result<Token, Refusal> {
    let jwks = json!({ "keys": signer.public_keys() }).to_string();
    let validator = Validator::context(ISSUER, AUDIENCE)
        .leeway(0)
        .clock(move || now)
        .with_keys(KeySet::from_jwks_json(jwks.as_bytes()).unwrap())
        .unwrap();
    let lines = [authorization.as_bytes()];
    validator.check_incoming(&Incoming::new("GET", "/", &lines)).await
}

fn minted(signer: &ContextSigner, view: &EdgeView) -> String {
    let random = CountingRandom::default();
    let minted =
        signer.mint(&signer.keys.load(), &key(), &live(view), AUDIENCE, NOW, &random).unwrap();
    format!("Bearer {}", minted.jwt)
}

#[tokio::test]
async fn a_service_reads_in_a_token_what_verify_knows_of_the_session() {
    for keys in [p256("k1"), ed25519("k1", 3)] {
        let signer = signer(&[keys]);
        let token = checked(&signer, &minted(&signer, &view()), NOW + 59).await.unwrap();
        assert_eq!((token.subject(), token.issuer()), ("zoë % x", ISSUER));
        assert_eq!(token.roles(), ["ADMIN", "a,b"]);
        assert_eq!(token.scopes(), ["openid", "orders:read"]);
        assert_eq!((token.acr(), token.authenticated_at()), (Some("urn:pwd"), Some(NOW - 110)));
        assert_eq!(token.expires_at(), NOW + 60);
        assert_eq!(token.id().map(str::len), Some(22));
        let claims: ContextClaims = token.claims().unwrap();
        assert_eq!(claims.sid, key().to_string());
        assert_eq!(claims.tenant.as_deref(), Some("t1"));
    }
}

#[tokio::test]
async fn what_is_unknown_is_left_out_and_no_token_outlives_its_session() {
    let signer = signer(&[p256("k1")]);
    let view = EdgeView {
        user_id: "alice".into(),
        expires_at: NOW + 10,
        idle_ttl: 60,
        last_seen: NOW,
        ..EdgeView::default()
    };
    let token = checked(&signer, &minted(&signer, &view), NOW).await.unwrap();
    assert_eq!(token.expires_at(), NOW + 10);
    assert_eq!((token.acr(), token.authenticated_at()), (None, None));
    assert!(token.roles().is_empty() && token.scopes().is_empty());
    assert_eq!(token.claims::<ContextClaims>().unwrap().tenant, None);

    let nobody = EdgeView { user_id: "".into(), ..view };
    let random = CountingRandom::default();
    let refused = signer.mint(&signer.keys.load(), &key(), &live(&nobody), AUDIENCE, NOW, &random);
    assert_eq!(refused.err(), Some(ContextError::NoUser));
}

#[tokio::test]
async fn t12_a_token_is_over_in_a_minute_and_for_one_audience_and_issuer() {
    let signer = signer(&[p256("k1")]);
    let authorization = minted(&signer, &view());
    let refused = checked(&signer, &authorization, NOW + 60).await.unwrap_err();
    assert_eq!(refused.reason(), "expired");
    let keys =
        KeySet::from_jwks_json(json!({ "keys": signer.public_keys() }).to_string().as_bytes())
            .unwrap();
    for (issuer, audience) in
        [("https://idp.example", AUDIENCE), (ISSUER, "https://other.internal")]
    {
        let validator =
            Validator::context(issuer, audience).clock(|| NOW).with_keys(keys.clone()).unwrap();
        let lines = [authorization.as_bytes()];
        let refused = validator.check_incoming(&Incoming::new("GET", "/", &lines)).await;
        assert_eq!(refused.unwrap_err().status(), 401);
    }
    // A service that takes access tokens of any kind takes none of these.
    let access = Validator::builder(ISSUER, AUDIENCE).clock(|| NOW).with_keys(keys).unwrap();
    let lines = [authorization.as_bytes()];
    let refused = access.check_incoming(&Incoming::new("GET", "/", &lines)).await.unwrap_err();
    assert_eq!(refused.reason(), "token_type");
}

#[tokio::test]
async fn keys_are_rotated_without_a_token_that_nobody_can_check() {
    let (old, new) = (p256("old"), ed25519("new", 4));
    let before = signer(&[old.clone(), new.clone()]);
    let after = signer(&[new, old]);
    for (signs, checks) in [(&before, &after), (&after, &before)] {
        assert!(checked(checks, &minted(signs, &view()), NOW).await.is_ok());
    }
    let kids: Vec<_> = after.public_keys().iter().map(|key| key["kid"].clone()).collect();
    assert_eq!(kids, ["new", "old"]);
}

#[test]
fn c83_only_public_members_are_published_and_nothing_private_is_printed() {
    let key = p256("k1");
    let signer = signer(std::slice::from_ref(&key));
    let published = Value::from(signer.public_keys()).to_string();
    let shown = format!("{signer:?}");
    let d = key["d"].as_str().unwrap();
    assert!(!published.contains(d) && !published.contains(r#""d""#), "{published}");
    assert!(!shown.contains(d) && shown.contains("k1"), "{shown}");
    let members = &signer.public_keys()[0];
    assert_eq!((&members["alg"], &members["use"]), (&json!("ES256"), &json!("sig")));
}

#[test]
fn a_key_without_a_name_goes_by_its_thumbprint() {
    // RFC 8037 appendix A.3.
    let key = json!({
        "kty": "OKP", "crv": "Ed25519",
        "d": "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
        "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
    });
    let signer = signer(&[key]);
    assert_eq!(signer.public_keys()[0]["kid"], "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
}

#[test]
fn t09_keys_that_are_not_quite_right_are_refused_by_number() {
    let (good, other) = (p256("a"), p256("b"));
    let with = |name: &str, value: Value| {
        let mut key = other.clone();
        key[name] = value;
        json!([good, key]).to_string()
    };
    for (text, expected) in [
        (String::new(), ContextKeyError::Json),
        ("canary".to_owned(), ContextKeyError::Json),
        ("[]".to_owned(), ContextKeyError::Empty),
        (r#"{"keys":[]}"#.to_owned(), ContextKeyError::Empty),
        (Value::from(vec![good.clone(); 9]).to_string(), ContextKeyError::TooMany),
        (with("kid", json!("a")), ContextKeyError::Repeated(2)),
        (with("kid", json!("a b")), ContextKeyError::Name(2)),
        (with("kty", json!("RSA")), ContextKeyError::Unsupported(2)),
        (with("crv", json!("P-384")), ContextKeyError::Unsupported(2)),
        (with("alg", json!("EdDSA")), ContextKeyError::Unsupported(2)),
        (with("use", json!("enc")), ContextKeyError::Unsupported(2)),
        (with("d", Value::Null), ContextKeyError::Public(2)),
        (with("d", json!("AAAA")), ContextKeyError::Malformed(2)),
        (with("d", good["d"].clone()), ContextKeyError::Malformed(2)),
        (with("x", good["x"].clone()), ContextKeyError::Malformed(2)),
    ] {
        let error = ContextKeys::parse(&text).unwrap_err();
        assert_eq!(error, expected);
        assert!(!error.to_string().contains("canary"));
    }
    for text in [good.to_string(), json!({ "keys": [good] }).to_string()] {
        assert!(ContextKeys::parse(&text).is_ok());
    }
}

fn settings(pairs: &[(&str, &str)]) -> Result<Option<ContextSigner>, String> {
    let mut settings = Settings::from_pairs(pairs.iter().copied());
    let signer = ContextSigner::read(&mut settings);
    if let Some(signer) = &signer {
        signer.differs_from("https://idp.example", "OIDC_ISSUER", &mut settings);
    }
    settings.finish(Some(signer)).map(|(signer, _)| signer).map_err(|p| p.to_string())
}

#[test]
fn t09_settings_stand_together_or_not_at_all() {
    let keys = p256("k1").to_string();
    let (keys, issuer) = (("BFF_CONTEXT_KEYS", &*keys), ("BFF_CONTEXT_ISSUER", ISSUER));
    assert!(settings(&[]).unwrap().is_none());
    assert_eq!(settings(&[keys, issuer]).unwrap().unwrap().life(), 60);
    assert_eq!(settings(&[keys, issuer, ("BFF_CONTEXT_TTL", "30s")]).unwrap().unwrap().life(), 30);
    for (pairs, told) in [
        (vec![keys], "BFF_CONTEXT_ISSUER"),
        (vec![issuer], "BFF_CONTEXT_KEYS"),
        (vec![keys, issuer, ("BFF_CONTEXT_TTL", "61")], "BFF_CONTEXT_TTL"),
        (vec![keys, issuer, ("BFF_CONTEXT_TTL", "0")], "BFF_CONTEXT_TTL"),
        (vec![("BFF_CONTEXT_KEYS", "canary"), issuer], "BFF_CONTEXT_KEYS"),
        (vec![keys, ("BFF_CONTEXT_ISSUER", "a b")], "BFF_CONTEXT_ISSUER"),
        (vec![keys, ("BFF_CONTEXT_ISSUER", "https://idp.example/")], "OIDC_ISSUER"),
    ] {
        let problems = settings(&pairs).unwrap_err();
        assert!(problems.contains(told) && !problems.contains("canary"), "{problems}");
    }
}

/// A rotation without a restart: the file of the keys changes, and whoever signs or publishes has the new ones.
#[tokio::test]
async fn t09_t12_keys_in_a_file_are_exchanged_for_all_and_broken_ones_are_not() {
    use shell::reload::{Trust, Watch};

    let file = tempfile::NamedTempFile::new().unwrap();
    let write = |keys: &[Value]| std::fs::write(file.path(), format!("{}\n", Value::from(keys)));
    write(&[ed25519("old", 1)]).unwrap();
    let path = file.path().to_str().unwrap();
    let pairs = [("BFF_CONTEXT_KEYS_FILE", path), ("BFF_CONTEXT_ISSUER", ISSUER)];
    let signer = settings(&pairs).unwrap().unwrap();
    let tokens = ContextTokens::new(signer.clone(), 1 << 20);
    let mut watch = Watch::over(signer.watched());
    let (random, audience) = (CountingRandom::default(), Arc::from(AUDIENCE));
    let edge = live(&view());
    let given = || tokens.authorization(&key(), &edge, &audience, NOW, &random).unwrap();
    let kids = || -> Vec<String> {
        signer.public_keys().iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
    };
    let first = given();
    watch.look(Trust::AtOnce).await;
    assert_eq!(given(), first, "nothing has changed");

    write(&[p256("new"), ed25519("old", 1)]).unwrap();
    watch.look(Trust::WhenSeenTwice).await;
    assert_eq!(given(), first, "perhaps it is half written");
    watch.look(Trust::WhenSeenTwice).await;
    assert_eq!(kids(), ["new", "old"]);
    let second = given();
    assert_ne!(second, first, "what the old key signed is not handed out any more");
    for token in [first, second.clone()] {
        checked(&signer, token.to_str().unwrap(), NOW).await.unwrap();
    }
    for broken in ["", "[]", "{}", "[{\"kty\":\"RSA\"}]"] {
        std::fs::write(file.path(), broken).unwrap();
        watch.look(Trust::AtOnce).await;
        assert_eq!((kids(), given()), (vec!["new".to_owned(), "old".to_owned()], second.clone()));
    }
    let in_no_file = settings(&[("BFF_CONTEXT_KEYS", &ed25519("a", 1).to_string()), pairs[1]]);
    assert!(in_no_file.unwrap().unwrap().watched().is_none());
}

#[tokio::test]
async fn t16_one_token_is_used_for_half_its_life_and_only_while_the_session_says_the_same() {
    let tokens = ContextTokens::new(signer(&[ed25519("k1", 5)]), 1 << 20);
    let random = CountingRandom::default();
    let audience: Arc<str> = AUDIENCE.into();
    let at = |view: &EdgeView, audience: &Arc<str>, now: u64| {
        let value = tokens.authorization(&key(), &live(view), audience, now, &random).unwrap();
        assert!(value.is_sensitive());
        value.to_str().unwrap().to_owned()
    };
    let first = at(&view(), &audience, NOW);
    let used = EdgeView { last_seen: NOW + 29, ..view() };
    assert_eq!(at(&used, &audience, NOW + 29), first, "a use changes nothing that is said");
    assert_ne!(at(&view(), &audience, NOW + 30), first);
    assert_ne!(at(&view(), &"https://other.internal".into(), NOW), first);

    let edits: [fn(&mut EdgeView); 7] = [
        |view| view.token_version = 2,
        |view| view.auth_time = NOW,
        |view| view.roles = "ADMIN".into(),
        |view| view.scopes = "openid".into(),
        |view| view.acr = "urn:mfa".into(),
        |view| view.tenant_id = "t2".into(),
        // The same letters in all, in other fields.
        |view| {
            view.tenant_id = "1".into();
            view.user_id = "zo%C3%AB%20%25%20xt".into();
        },
    ];
    for edit in edits {
        let kept = at(&view(), &audience, NOW);
        let mut changed = view();
        edit(&mut changed);
        assert_ne!(at(&changed, &audience, NOW), kept, "{changed:?}");
    }
    // A clock that was put back does not lengthen a life.
    let late = at(&view(), &audience, NOW + 100);
    assert_ne!(at(&view(), &audience, NOW + 99), late);
}

#[test]
fn t17_a_flood_of_sessions_takes_bounded_memory() {
    let tokens = ContextTokens::new(signer(&[ed25519("k1", 5)]), 64 * 1024);
    let (random, audience) = (CountingRandom::default(), Arc::from(AUDIENCE));
    let edge = live(&view());
    for number in 0..500_u32 {
        let mut bytes = [0; 32];
        bytes[..4].copy_from_slice(&number.to_be_bytes());
        let key = SessionId::from_random(bytes).store_key();
        tokens.authorization(&key, &edge, &audience, NOW, &random).unwrap();
    }
    assert!(tokens.kept_entries() < 64);
}
