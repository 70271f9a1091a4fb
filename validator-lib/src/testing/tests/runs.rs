//! Each kind of service gets every case that fits it, again and again.

use super::*;

/// Every case twice, with the cache of tokens and without: that a token was seen before changes nothing.
async fn holds(kind: Kind) {
    let issuer = Issuer::new();
    let scene = Scene::new(&issuer, kind.described.clone());
    let cases = corpus::all(&scene);
    for bytes in [crate::cache::DEFAULT_BYTES, 0] {
        let proofs = Forgetful::default();
        let builder = kind.builder(&issuer).cache_bytes(bytes);
        let builder = match kind.described.origin {
            Some(_) => builder.shared_replay(proofs.clone()),
            None => builder,
        };
        let validator = builder.build().unwrap();
        for pass in ["first", "second"] {
            proofs.forget();
            let wrong = wrong(&scene, &cases, &validator).await;
            assert!(wrong.is_empty(), "{pass} pass, {bytes} bytes\n{}", wrong.join("\n"));
        }
    }
}

#[tokio::test]
async fn t12_the_corpus_against_a_service_of_bearer_tokens() {
    holds(bearer_only()).await;
}

#[tokio::test]
async fn t12_the_corpus_against_a_service_that_takes_everything() {
    holds(everything()).await;
}

#[tokio::test]
async fn t12_the_corpus_against_a_service_of_key_bound_tokens() {
    holds(dpop_alone()).await;
}

#[tokio::test]
async fn t12_the_corpus_against_a_service_of_certificate_bound_tokens() {
    holds(certificates_alone()).await;
}

#[tokio::test]
async fn t12_the_corpus_against_a_service_of_tokens_that_are_bound_twice() {
    holds(both_alone()).await;
}

#[tokio::test]
async fn t12_the_corpus_where_proofs_are_remembered_in_the_process() {
    let (kind, issuer) = (everything(), Issuer::new());
    let scene = Scene::new(&issuer, kind.described.clone());
    let validator = kind.builder(&issuer).build().unwrap();
    let wrong = wrong(&scene, &corpus::all(&scene), &validator).await;
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// With several issuers, what a token says of its own issuer is read before its signature is checked: of two
/// faults, that of the payload comes first.
#[tokio::test]
async fn t12_the_corpus_where_several_issuers_are_trusted() {
    let (kind, issuer) = (everything(), Issuer::new());
    let others = [Issuer::at("https://login.example.net"), Issuer::at("https://idp.example.org/x")];
    let scene = Scene::new(&issuer, kind.described.clone());
    let [first, second] = &others;
    let validator = kind
        .builder(&issuer)
        .trust(first.trusted(AUDIENCE))
        .trust(second.trusted("https://other.example"))
        .trust(issuer.trusted("https://another-audience.example"))
        .build()
        .unwrap();
    let wrong = wrong(&scene, &corpus::all(&scene), &validator).await;
    let names: Vec<_> = wrong.iter().filter_map(|line| line.split(':').next()).collect();
    assert_eq!(names, ["structure-no-payload", "structure-header-alone"], "{}", wrong.join("\n"));
    assert!(
        wrong.iter().all(|line| line.contains("got 401 ") && line.ends_with("(claims_malformed)"))
    );
    for other in &others {
        assert_eq!(other.fetches(), 0, "an issuer was asked about another's token");
    }
}

/// Whoever sends tokens does not decide how often the issuer is asked.
#[tokio::test]
async fn t19_invented_keys_and_wrong_signatures_cause_one_fetch() {
    let (kind, issuer) = (bearer_only(), Issuer::new());
    let scene = Scene::new(&issuer, kind.described.clone());
    let mut cases = corpus::all(&scene);
    cases.retain(|case| case.class().is_of_tokens() && case.class() != Class::Rsa);
    let validator = kind.builder(&issuer).build().unwrap();
    assert_eq!(wrong(&scene, &cases, &validator).await, Vec::<String>::new());
    assert_eq!(issuer.fetches(), 2, "the keys, and once more for a key that nobody has");
}

/// What an operator is told of a token is what the service made of it.
#[tokio::test]
async fn an_explanation_gives_the_reason_of_the_refusal() {
    let (kind, issuer) = (bearer_only(), Issuer::new());
    let scene = Scene::new(&issuer, kind.described.clone());
    let validator = kind.builder(&issuer).build().unwrap();
    let mut told = 0;
    for case in corpus::all(&scene) {
        // Whether a bound token comes with its proof is no matter of the token.
        let of_token = case.class().is_of_tokens() && case.class() != Class::Confirmation;
        let [(_, authorization)] = case.request.headers.as_slice() else { continue };
        let Some(token) = authorization.strip_prefix(b"Bearer ").filter(|_| of_token) else {
            continue;
        };
        let explanation = validator.explain(&String::from_utf8_lossy(token)).await;
        let first = explanation.steps().iter().find_map(|step| step.refused);
        let expected = match case.expected() {
            Expected::Accepted => None,
            Expected::Refused { status: 401, reason, .. } => Some(*reason),
            // The token of a malformed header is another text to each who reads it.
            Expected::Refused { .. } => {
                first.filter(|_| !explanation.is_good()).or(Some("refused"))
            }
        };
        assert_eq!(first, expected, "{}\n{explanation}", case.name());
        told += 1;
    }
    assert!(told > 1_000, "{told}");
}
