use josekit::jws::alg::ecdsa::EcdsaJwsAlgorithm;

use super::*;

fn claims() -> AssertionClaims<'static> {
    AssertionClaims {
        client_id: "client",
        audience: "https://idp.example",
        jti: "jti",
        issued_at: 1_800_000_000,
        expires_at: 1_800_000_060,
    }
}

/// Signs with `key` and checks with what it publishes; says which algorithm it was.
fn round_trip(key: &ClientKey) -> String {
    let public = key.public_jwk();
    for private in ["d", "p", "q", "dp", "dq", "qi", "k"] {
        assert!(public.get(private).is_none(), "{private} is published");
    }
    let mut nameless = public.as_object().unwrap().clone();
    nameless.remove("kid");
    let jwk = Jwk::from_map(nameless).unwrap();
    let verifier: Box<dyn JwsVerifier> = match public["alg"].as_str().unwrap() {
        "PS256" => Box::new(PS256.verifier_from_jwk(&jwk).unwrap()),
        "RS256" => Box::new(RS256.verifier_from_jwk(&jwk).unwrap()),
        "ES256" => Box::new(ES256.verifier_from_jwk(&jwk).unwrap()),
        "EdDSA" => Box::new(EdDSA.verifier_from_jwk(&jwk).unwrap()),
        other => panic!("{other}"),
    };
    let assertion = key.assertion(&claims()).unwrap();
    let (payload, header) = jwt::decode_with_verifier(&assertion, &*verifier).unwrap();
    assert_eq!(header.algorithm(), public["alg"].as_str());
    assert_eq!(header.key_id(), key.kid.as_deref());
    assert_eq!(payload.claim("aud"), Some(&json!("https://idp.example")));
    header.algorithm().unwrap().to_owned()
}

fn parse(jwk: &Jwk) -> Result<ClientKey, KeyError> {
    ClientKey::parse(jwk.to_string().as_bytes())
}

#[test]
fn every_supported_key_signs_with_its_algorithm_from_a_jwk_and_from_pem() {
    let rsa = Jwk::generate_rsa_key(2048).unwrap();
    let ec = Jwk::generate_ec_key(EcCurve::P256).unwrap();
    let ed = Jwk::generate_ed_key(EdCurve::Ed25519).unwrap();
    assert_eq!(round_trip(&parse(&rsa).unwrap()), "PS256");
    assert_eq!(round_trip(&parse(&ec).unwrap()), "ES256");
    assert_eq!(round_trip(&parse(&ed).unwrap()), "EdDSA");
    let mut rs256 = rsa.clone();
    rs256.set_algorithm("RS256");
    assert_eq!(round_trip(&parse(&rs256).unwrap()), "RS256");

    let pems = [
        (RsaKeyPair::from_jwk(&rsa).unwrap().to_pem_private_key(), "PS256"),
        (EcKeyPair::from_jwk(&ec).unwrap().to_pem_private_key(), "ES256"),
        (EdKeyPair::from_jwk(&ed).unwrap().to_pem_private_key(), "EdDSA"),
    ];
    for (pem, alg) in pems {
        assert_eq!(round_trip(&ClientKey::parse(&pem).unwrap()), alg);
    }
}

#[test]
fn c23_times_are_whole_numbers() {
    let key = parse(&Jwk::generate_ec_key(EcCurve::P256).unwrap()).unwrap();
    let assertion = key.assertion(&claims()).unwrap();
    let payload = assertion.split('.').nth(1).unwrap();
    let payload = String::from_utf8(URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap();
    assert!(payload.contains(r#""iat":1800000000"#), "{payload}");
    assert!(payload.contains(r#""exp":1800000060"#), "{payload}");
}

#[test]
fn the_published_kid_is_that_of_the_jwk_or_else_the_thumbprint() {
    // The example key of RFC 8037 appendix A.
    let text = r#"{"kty":"OKP","crv":"Ed25519",
        "d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
        "x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
    let key = ClientKey::parse(text.as_bytes()).unwrap();
    assert_eq!(key.public_jwk()["kid"], "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    let named = text.replace('{', r#"{"kid":"mine","#);
    assert_eq!(ClientKey::parse(named.as_bytes()).unwrap().public_jwk()["kid"], "mine");
}

#[test]
fn an_assertion_names_its_key_only_by_a_name_the_operator_gave() {
    let header = |key: &ClientKey| {
        let assertion = key.assertion(&claims()).unwrap();
        let header = URL_SAFE_NO_PAD.decode(assertion.split('.').next().unwrap()).unwrap();
        serde_json::from_slice::<Value>(&header).unwrap()
    };
    let mut jwk = Jwk::generate_ec_key(EcCurve::P256).unwrap();
    assert!(header(&parse(&jwk).unwrap()).get("kid").is_none());
    jwk.set_key_id("mine");
    assert_eq!(header(&parse(&jwk).unwrap())["kid"], "mine");
}

#[test]
fn keys_that_cannot_sign_assertions_are_refused() {
    let p384 = Jwk::generate_ec_key(EcCurve::P384).unwrap();
    assert_eq!(parse(&p384).unwrap_err(), KeyError::Unsupported);
    let p384 = EcKeyPair::from_jwk(&p384).unwrap().to_pem_private_key();
    assert_eq!(ClientKey::parse(&p384).unwrap_err(), KeyError::Unsupported);
    let oct = Jwk::generate_oct_key(32).unwrap();
    assert_eq!(parse(&oct).unwrap_err(), KeyError::Unsupported);
    let mut encryption = Jwk::generate_ec_key(EcCurve::P256).unwrap();
    encryption.set_key_use("enc");
    assert_eq!(parse(&encryption).unwrap_err(), KeyError::Unsupported);
    let mut other = Jwk::generate_ec_key(EcCurve::P256).unwrap();
    other.set_algorithm(EcdsaJwsAlgorithm::Es384.to_string());
    assert_eq!(parse(&other).unwrap_err(), KeyError::Unsupported);
    let public = Jwk::generate_ec_key(EcCurve::P256).unwrap().to_public_key().unwrap();
    assert_eq!(parse(&public).unwrap_err(), KeyError::Malformed);
    for text in
        ["", "{", "{}", "secret", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----"]
    {
        assert_eq!(ClientKey::parse(text.as_bytes()).unwrap_err(), KeyError::Malformed, "{text}");
    }
}

#[test]
fn a_jwk_whose_halves_do_not_match_is_refused() {
    let one = Jwk::generate_ec_key(EcCurve::P256).unwrap();
    let mut mixed = one.clone();
    let other = Jwk::generate_ec_key(EcCurve::P256).unwrap();
    for name in ["x", "y"] {
        mixed.set_parameter(name, other.parameter(name).cloned()).unwrap();
    }
    assert!(parse(&one).is_ok());
    assert_eq!(parse(&mixed).unwrap_err(), KeyError::Malformed);
}

#[test]
fn c83_a_key_shows_its_name_and_nothing_else() {
    let jwk = Jwk::generate_ec_key(EcCurve::P256).unwrap();
    let shown = format!("{:?}", parse(&jwk).unwrap());
    assert!(!shown.contains(jwk.parameter("d").unwrap().as_str().unwrap()));
}
