//! Stricter rules that are tried before they count.

use serde_json::json;

use super::{bearer, builder};
use crate::algorithm::Algorithm;
use crate::policy::Policy;
use crate::testkit::{Signer, key_set};
use crate::validator::Shadow;

#[tokio::test]
async fn a_shadow_counts_and_refuses_nobody() {
    let signer = Signer::new(Algorithm::ES256);
    let keys = || key_set(&[signer.jwk("k")]);
    let strict = builder().require_dpop().origin("https://api.example.com").with_keys(keys());
    let binding = Shadow::validator(strict.unwrap(), Policy::new());
    let scopes = Shadow::policy(Policy::all(["orders:write"]).role("ADMIN"));
    let watched = builder().shadow(binding.clone()).with_keys(keys()).unwrap();
    let also = builder().shadow(scopes.clone()).with_keys(keys()).unwrap();
    for (changes, times) in [
        (json!({"roles": ["ADMIN"]}), 1),
        (json!({"jti": "t2"}), 2),
        (json!({"scope": "orders:read", "roles": ["ADMIN"]}), 3),
    ] {
        let token = signer.access_token("k", changes);
        for _ in 0..times {
            assert!(bearer(&watched, &token).await.is_ok() && bearer(&also, &token).await.is_ok());
        }
    }
    // What is refused anyhow is no news.
    let other = signer.access_token("k", json!({"aud": "other"}));
    assert!(bearer(&watched, &other).await.is_err());
    assert_eq!(binding.report().accepted, 0);
    assert_eq!(Vec::from_iter(binding.report().refused), [("not_bound", 6)]);
    assert_eq!(scopes.report().accepted, 1);
    assert_eq!(Vec::from_iter(scopes.report().refused), [("role", 2), ("scope", 3)]);
}
