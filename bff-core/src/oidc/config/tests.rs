use super::*;

fn problem(change: impl FnOnce(&mut OidcConfig)) -> Option<&'static str> {
    let auth = ClientAuth::SecretBasic("secret".to_owned().into());
    let issuer = "https://idp.example".to_owned();
    let mut config = OidcConfig::new(issuer, "client".to_owned(), auth);
    change(&mut config);
    config.check().err()
}

#[test]
fn t09_settings_that_mean_less_than_they_seem_are_refused() {
    assert_eq!(problem(|_| {}), None);
    assert_eq!(problem(|c| c.issuer = "idp.example".into()), Some("issuer_not_a_url"));
    assert_eq!(problem(|c| c.issuer = "http://idp.example".into()), Some("issuer_not_https"));
    assert_eq!(
        problem(|c| c.issuer = "https://idp.example?x".into()),
        Some("issuer_has_query_or_fragment")
    );
    assert_eq!(problem(|c| c.client_id.clear()), Some("client_id_empty"));
    assert_eq!(problem(|c| c.scopes = "profile".into()), Some("scope_openid_missing"));
    assert_eq!(problem(|c| c.scopes = "openid ${SCOPE}".into()), Some("scope_unexpanded"));
    assert_eq!(
        problem(|c| c.internal_base = Some(Url::parse("mailto:idp").unwrap())),
        Some("internal_base_not_http")
    );
    assert_eq!(
        problem(|c| c.resources = vec!["orders".into()]),
        Some("resource_not_an_absolute_uri")
    );
    assert_eq!(
        problem(|c| c.client_auth = ClientAuth::SecretPost(String::new().into())),
        Some("client_secret_empty")
    );
    assert_eq!(problem(|c| c.id_token_algorithms.clear()), Some("no_id_token_algorithm"));
    assert_eq!(
        problem(|c| {
            c.client_auth = ClientAuth::None;
            c.rotate_dpop_key = true;
        }),
        Some("public_client_cannot_rotate_dpop_key")
    );
}

#[test]
fn plain_text_is_for_loopback_only() {
    for (url, good) in [
        ("https://idp.example", true),
        ("http://localhost:9000", true),
        ("http://idp.localhost", true),
        ("http://127.0.0.1", true),
        ("http://[::1]:1", true),
        ("http://10.0.0.1", false),
        ("http://localhost.evil.example", false),
        ("http://[::ffff:127.0.0.1]", false),
        ("file:///etc/passwd", false),
    ] {
        assert_eq!(is_https_or_loopback(&Url::parse(url).unwrap()), good, "{url}");
    }
}
