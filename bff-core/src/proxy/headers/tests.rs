use std::sync::Arc;

use super::super::admit::Identity;
use super::super::credential::Credential;
use super::*;
use crate::caller::Requester;
use http::HeaderValue;
use http::header::{AUTHORIZATION, CACHE_CONTROL};
use proptest::prelude::*;
use session::record::{TokenPart, TokenType, UserContext};
use shell::random::CountingRandom;
use shell::request_id::RequestId;

fn map(pairs: &[(&str, &str)]) -> HeaderMap {
    let mut map = HeaderMap::new();
    for (name, value) in pairs {
        map.append(name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
    }
    map
}

fn csrf() -> HeaderName {
    HeaderName::from_static("x-my-csrf")
}

fn caller() -> Requester {
    Requester {
        request_id: RequestId::fresh(&CountingRandom::default()),
        ip: None,
        origin: None,
        user_agent: HeaderValue::from_static(""),
        navigates: false,
        says_navigation: false,
        is_script: false,
    }
}

fn names(headers: &HeaderMap) -> Vec<&str> {
    let mut names: Vec<_> = headers.keys().map(HeaderName::as_str).collect();
    names.sort_unstable();
    names
}

#[test]
fn t04_identity_of_the_browsers_making_reaches_no_service_in_any_spelling() {
    let sent = map(&[
        ("X-User-ID", "evil"),
        ("x_user_id", "evil"),
        ("X.User.Id", "evil"),
        ("x~user~id", "evil"),
        ("X-User-Roles", "ADMIN"),
        ("X-Tenant-Id", "evil"),
        ("x-tenant_slug", "evil"),
        ("X-Master-Flags", "{}"),
        ("X-Session-Id", "evil"),
        ("X-Forwarded-User", "evil"),
        ("X_Forwarded_For", "6.6.6.6"),
        ("Forwarded", "for=6.6.6.6"),
        ("X-Real-IP", "6.6.6.6"),
        ("X-Original-URL", "/admin"),
        ("X-Rewrite-Url", "/admin"),
        ("X-HTTP-Method-Override", "DELETE"),
        ("X_Method_Override", "DELETE"),
        ("Remote-User", "evil"),
        ("True-Client-IP", "6.6.6.6"),
        ("X-Auth-Request-Email", "evil"),
        ("X-Wicket-Signature", "v1=evil"),
        ("Authorization", "Bearer evil"),
        ("DPoP", "a"),
        ("DPoP", "b"),
        ("Cookie", "bff_session=secret"),
        ("X-My-Csrf", "token"),
        ("X-CSRF-Token", "token"),
        ("Proxy-Authorization", "evil"),
        ("Host", "evil"),
        ("Accept", "application/json"),
        ("X-Client-Version", "1.2"),
    ]);
    assert_eq!(names(&for_service(&sent, &csrf())), ["accept", "x-client-version"]);
}

#[test]
fn t05_connection_header_cannot_drop_identity() {
    let sent = map(&[
        ("Connection", "X-User-Id, Authorization, close, x-request-id"),
        ("Keep-Alive", "1"),
        ("TE", "trailers"),
        ("Transfer-Encoding", "chunked"),
        ("Upgrade", "h2c"),
    ]);
    let mut headers = for_service(&sent, &csrf());
    assert!(headers.is_empty(), "{headers:?}");
    let identity = Identity { user_id: b"alice", ..Identity::default() };
    put_identity(&mut headers, Some(&identity), &caller()).unwrap();
    let credential = Credential::Session(Arc::new(tokens(TokenType::Dpop)));
    headers.insert(AUTHORIZATION, credential.authorization().unwrap());
    assert_eq!(headers.get("x-user-id").unwrap(), "alice");
    let authorization = headers.get(AUTHORIZATION).unwrap();
    assert_eq!(authorization, "DPoP at-1");
    assert!(authorization.is_sensitive());
}

#[test]
fn c61_nobody_has_no_identity() {
    let mut headers = HeaderMap::new();
    put_identity(&mut headers, None, &caller()).unwrap();
    assert_eq!(names(&headers), ["x-request-id"]);
}

#[test]
fn c71_answers_for_a_user_are_not_for_shared_caches() {
    let mut answer = map(&[
        ("cache-control", "public, max-age=600"),
        ("access-control-allow-origin", "*"),
        ("connection", "x-secret"),
        ("x-secret", "1"),
        ("set-cookie", "bff_session=evil; Path=/"),
        ("set-cookie", "BFF_SESSION_login_x=evil"),
        ("set-cookie", "=bff_session=evil; Path=/"),
        ("set-cookie", " = bff_session=evil"),
        ("set-cookie", "theme=dark"),
    ]);
    clean_response(&mut answer, "bff_session", true);
    assert_eq!(
        answer,
        map(&[
            ("cache-control", "no-store"),
            ("set-cookie", "theme=dark"),
            ("vary", "Cookie"),
            ("cross-origin-resource-policy", "same-origin"),
        ])
    );

    for (said, kept) in [
        ("private, max-age=60", true),
        ("max-age=60, No-Store", true),
        ("private=\"x-user\", max-age=60", false),
        ("public, private", false),
        ("x-private", false),
        ("", false),
    ] {
        let mut answer = map(&[("cache-control", said)]);
        clean_response(&mut answer, "bff_session", true);
        let expected = if kept { said } else { "no-store" };
        assert_eq!(answer.get(CACHE_CONTROL).unwrap(), expected);
    }

    let mut public = map(&[("cache-control", "public, max-age=600")]);
    clean_response(&mut public, "bff_session", false);
    assert_eq!(public.get(CACHE_CONTROL).unwrap(), "public, max-age=600");
}

fn tokens(token_type: TokenType) -> TokenPart {
    TokenPart {
        access_token: "at-1".to_owned().into(),
        obtained_at: 0,
        access_expires_at: None,
        refresh_token: None,
        id_token: None,
        token_type,
        scope: String::new(),
        dpop_key: None,
        profile: serde_json::Map::new(),
        context: UserContext::default(),
    }
}

proptest! {
    #[test]
    fn t04_no_spelling_of_an_identity_header_passes(signs in proptest::collection::vec("[-_.~^|+*!#$%&'`]", 2), upper in any::<bool>()) {
        let name = format!("x{}user{}id", signs[0], signs[1]);
        let name = if upper { name.to_ascii_uppercase() } else { name };
        let sent = map(&[(&name, "evil")]);
        prop_assert!(for_service(&sent, &csrf()).is_empty(), "{name}");
    }
}
