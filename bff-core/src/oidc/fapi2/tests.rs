use url::Url;

use super::super::mock::client_key;
use super::*;
use crate::oidc::client_key::ClientKey;

type Change = Box<dyn FnOnce(&mut OidcConfig)>;

fn config(change: impl FnOnce(&mut OidcConfig)) -> OidcConfig {
    let auth = ClientAuth::PrivateKeyJwt(client_key());
    let mut config = OidcConfig::new("https://idp.example".to_owned(), "client".to_owned(), auth);
    config.enforce_fapi2();
    change(&mut config);
    config
}

fn rs256() -> ClientKey {
    let mut jwk = josekit::jwk::Jwk::generate_rsa_key(2048).unwrap();
    jwk.set_algorithm("RS256");
    ClientKey::parse(jwk.to_string().as_bytes()).unwrap()
}

#[test]
fn t09_fapi2_the_switch_alone_is_the_whole_profile() {
    let config = config(|_| {});
    assert_eq!(config.check(), Ok(()));
    assert_eq!((config.par, config.dpop), (Mode::Required, Mode::Required));
    assert!(config.require_iss_parameter);
    assert_eq!(config.id_token_algorithms, ALGORITHMS);
}

#[test]
fn t09_fapi2_whatever_is_weaker_is_refused() {
    let secret = || ClientAuth::SecretBasic("secret".to_owned().into());
    let cases: Vec<(Change, &str)> = vec![
        (Box::new(|c| c.par = Mode::Auto), "fapi2_par"),
        (Box::new(|c| c.par = Mode::Off), "fapi2_par"),
        (Box::new(|c| c.dpop = Mode::Auto), "fapi2_dpop"),
        (Box::new(|c| c.dpop = Mode::Off), "fapi2_dpop"),
        (Box::new(move |c| c.client_auth = secret()), "fapi2_client_auth"),
        (Box::new(|c| c.client_auth = ClientAuth::None), "fapi2_client_auth"),
        (
            Box::new(|c| c.client_auth = ClientAuth::PrivateKeyJwt(rs256())),
            "fapi2_client_key_algorithm",
        ),
        (Box::new(|c| c.request_key = Some(rs256())), "fapi2_client_key_algorithm"),
        (
            Box::new(|c| c.assertion_audience = AssertionAudience::TokenEndpoint),
            "fapi2_assertion_audience",
        ),
        (
            Box::new(|c| c.assertion_audience = AssertionAudience::Endpoint),
            "fapi2_assertion_audience",
        ),
        (Box::new(|c| c.require_iss_parameter = false), "fapi2_iss"),
        (Box::new(|c| c.id_token_algorithms = Algorithm::ALL.to_vec()), "fapi2_id_token_algorithm"),
        (
            Box::new(|c| c.internal_base = Some(Url::parse("http://idp:9000").unwrap())),
            "fapi2_internal_base",
        ),
    ];
    for (change, expected) in cases {
        let config = config(change);
        assert_eq!(weaknesses(&config), [expected]);
        assert_eq!(config.check(), Err(expected));
    }
}

#[test]
fn fapi2_nothing_is_asked_of_who_did_not_choose_it() {
    let config = config(|c| {
        c.profile = Profile::Open;
        c.par = Mode::Off;
        c.client_auth = ClientAuth::None;
    });
    assert!(weaknesses(&config).is_empty());
}

#[test]
fn fapi2_our_own_keys_and_nonces_are_as_long_as_it_asks() {
    // Section 5.4.2: RSA keys of 2048 bits at least; the curves that we take are long enough.
    let rsa = |bits| josekit::jwk::Jwk::generate_rsa_key(bits).unwrap().to_string();
    assert!(ClientKey::parse(rsa(2048).as_bytes()).is_ok());
    assert!(ClientKey::parse(rsa(1024).as_bytes()).is_err());
    // Section 5.3.3.2: nonces of 64 characters at most.
    let random = shell::random::SystemRandom;
    assert!(super::super::endpoint::unguessable(&random).len() <= 64);
}
