use super::*;

fn refused(query: &str) -> &'static str {
    match LoginHints::from_query(query).unwrap_err() {
        OidcError::Hint(name) => name,
        other => panic!("{other:?}"),
    }
}

#[test]
fn c22_only_known_parameters_pass_and_ours_cannot_be_set_from_outside() {
    let query = "prompt=login&login_hint=a%40b.example&ui_locales=de%20en&acr_values=gold&max_age=0\
                 &scope=admin&client_id=evil&redirect_uri=https%3A%2F%2Fevil.example&resource=x\
                 &nonce=n&state=s&request_uri=urn%3Ax&code_challenge=c&claims=%7B%7D&foo=bar";
    let hints = LoginHints::from_query(query).unwrap();
    assert_eq!(
        hints.parameters(),
        [
            ("prompt", "login".to_owned()),
            ("login_hint", "a@b.example".to_owned()),
            ("ui_locales", "de en".to_owned()),
            ("acr_values", "gold".to_owned()),
            ("max_age", "0".to_owned()),
        ]
    );
}

#[test]
fn c11_a_parameter_of_ours_that_is_there_twice_is_refused() {
    for name in ["login_hint", "ui_locales", "acr_values"] {
        assert_eq!(refused(&format!("{name}=a&{name}=b")), name);
    }
    assert_eq!(refused("prompt=login&prompt=none"), "prompt");
    assert_eq!(refused("max_age=1&max_age=1"), "max_age");
}

#[test]
fn values_outside_their_grammar_are_refused() {
    for prompt in ["", "Login", "login%20", "none%20login", "everything", "login%0a"] {
        assert_eq!(refused(&format!("prompt={prompt}")), "prompt");
    }
    for max_age in ["", "-1", "1.5", "soon", "99999999999999999999999"] {
        assert_eq!(refused(&format!("max_age={max_age}")), "max_age");
    }
    for hint in ["", "a%00b", "a%0d%0ab", &"x".repeat(MAX_HINT + 1)] {
        assert_eq!(refused(&format!("login_hint={hint}")), "login_hint");
    }
    assert!(LoginHints::from_query("prompt=login%20consent").is_ok());
}

#[test]
fn a_damaged_record_is_refused() {
    let good = r#"{"verifier":"v","nonce":"n","issuer":"i","redirect_uri":"r","started_at":1}"#;
    let wire: LoginSecretsWire = serde_json::from_str(good).unwrap();
    assert!(LoginSecrets::try_from(wire).unwrap().dpop_key.is_none());
    for damaged in [r#","dpop_key":"AAAA"}"#, r#","dpop_key":"%"}"#] {
        let text = good.replace('}', damaged);
        let wire: LoginSecretsWire = serde_json::from_str(&text).unwrap();
        assert!(LoginSecrets::try_from(wire).is_err());
    }
    assert!(serde_json::from_str::<LoginSecretsWire>(&good.replace('}', r#","x":1}"#)).is_err());
}
