//! Owns: what is right, to begin from.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::algorithm::Algorithm;
use crate::dpop::TokenHash;
use crate::keys::Keys;
use crate::keyset::KeySet;
use crate::profile::Profile;
use crate::testkit::{AUDIENCE, ISSUER, NOW, Signer, access_claims, encode, jwks, with};
use crate::trust::Trust;

pub(super) const URL: &str = "https://api.example.com/orders";

/// Some token, for which no key is right.
pub(super) const ANY_TOKEN: &str = "eyJhbGciOiJSUzI1NiJ9.e30.AAAA";

pub(super) fn tokens(signer: &Signer) -> Vec<Vec<u8>> {
    let header = json!({"alg": signer.alg.name(), "typ": "at+jwt", "kid": "k"});
    let claims = [
        access_claims(),
        json!({}),
        with(access_claims(), json!({"aud": ["a", AUDIENCE], "cnf": {"jkt": "x"}, "scp": ["a"]})),
        with(access_claims(), json!({"nested": {"a": [{"b": [1, 2.5, null, "\u{e9}"]}]}})),
    ];
    let mut tokens: Vec<Vec<u8>> =
        claims.iter().map(|claims| signer.sign(&header, claims).into_bytes()).collect();
    let unnamed = json!({"alg": signer.alg.name(), "jwk": signer.bare_jwk(), "crit": ["exp"]});
    tokens.push(signer.sign(&unnamed, &access_claims()).into_bytes());
    tokens.push(b"a.b.c.d.e".to_vec());
    tokens
}

pub(super) fn key_sets() -> Vec<Vec<u8>> {
    let keys: Vec<Value> =
        [Algorithm::RS256, Algorithm::PS384, Algorithm::ES256, Algorithm::ES384, Algorithm::EdDSA]
            .iter()
            .enumerate()
            .map(|(number, alg)| Signer::new(*alg).jwk(&format!("k{number}")))
            .collect();
    let mut sets: Vec<Vec<u8>> = keys.iter().map(|key| jwks(std::slice::from_ref(key))).collect();
    sets.push(jwks(&keys[1..4]));
    let bare = with(keys[2].clone(), json!({"alg": null, "kid": null, "key_ops": ["verify"]}));
    sets.push(jwks(&[bare, json!({"kty": "oct", "k": "AAAA"})]));
    sets
}

pub(super) fn proof_claims() -> Vec<Vec<u8>> {
    let ath = encode(&TokenHash::of(b"token").0);
    let claims = json!({"jti": "p1", "htm": "GET", "htu": URL, "iat": NOW, "ath": ath});
    [
        claims.clone(),
        with(claims.clone(), json!({"nonce": "n", "htu": "HTTPS://API.example.com:443/./orders"})),
        with(claims, json!({"htu": "https://[::1]:8443/a/%7e/../b?x#y", "iat": 1.5})),
    ]
    .iter()
    .map(|claims| claims.to_string().into_bytes())
    .collect()
}

pub(super) fn proofs(signer: &Signer) -> Vec<Vec<u8>> {
    let header = json!({"typ": "dpop+jwt", "alg": "ES256", "jwk": signer.bare_jwk()}).to_string();
    let of = |claims: &Vec<u8>| {
        let claims = std::str::from_utf8(claims).unwrap();
        signer.sign_text(&header, claims).into_bytes()
    };
    proof_claims().iter().map(of).collect()
}

pub(super) fn claims() -> Vec<Vec<u8>> {
    [
        access_claims(),
        with(access_claims(), json!({"aud": ["x", AUDIENCE], "scope": null, "scp": ["a b", "c"]})),
        with(access_claims(), json!({"typ": "Bearer", "realm_access": {"roles": ["a", 1]}})),
        with(access_claims(), json!({"client_id": AUDIENCE, "token_use": "access"})),
        with(access_claims(), json!({"cnf": {"jkt": "k", "x5t#S256": "c", "z": [1]}, "acr": "1"})),
        with(access_claims(), json!({"auth_time": NOW, "nbf": NOW - 5, "exp": NOW + 30})),
    ]
    .iter()
    .map(|claims| claims.to_string().into_bytes())
    .collect()
}

pub(super) fn all_profiles() -> Vec<Arc<Trust>> {
    let profiles = [
        Profile::Rfc9068,
        Profile::Entra,
        Profile::Keycloak,
        Profile::Cognito,
        Profile::Auth0,
        Profile::WicketContext,
    ];
    profiles.into_iter().map(|profile| trust(ISSUER, profile)).collect()
}

pub(super) fn two_trusts() -> Vec<Arc<Trust>> {
    vec![trust(ISSUER, Profile::Rfc9068), trust("https://login.example.net", Profile::Cognito)]
}

fn trust(issuer: &str, profile: Profile) -> Arc<Trust> {
    let audiences = vec![AUDIENCE.to_owned()];
    let keys = KeySet::from_jwks_json(&jwks(&[Signer::new(Algorithm::ES256).jwk("k")])).unwrap();
    Arc::new(Trust {
        issuer: issuer.to_owned(),
        names: profile.claim_names(&audiences),
        audiences,
        profile,
        algorithms: Algorithm::ALL.to_vec(),
        leeway: 30,
        keys: Keys::fixed(keys),
    })
}
