//! Owns: huskarl-resource-server with its RFC 9068 validator, default provider and a key source that needs
//! no network. It checks what validator-lib checks; not: a claim that is there twice, and whether a
//! proof was used before unless it is given a memory of its own, which it is not here.

use std::cell::Cell;
use std::rc::Rc;

use anyhow::Context as _;
use benches::validator::subject::{Subject, ready};
use benches::validator::tokens::{AUDIENCE, ISSUER, Issuer, PATH, Signed};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, Uri};
use huskarl_resource_server::core::error::Error;
use huskarl_resource_server::core::http::{HttpClient, HttpResponse, Idempotency};
use huskarl_resource_server::core::platform::MaybeSendBoxFuture;
use huskarl_resource_server::validator::rfc9068::Rfc9068Validator;

/// A key set that needs no network.
struct Published(Bytes);

impl HttpClient for Published {
    fn execute(
        &self,
        _: Request<Bytes>,
        _: Idempotency,
    ) -> MaybeSendBoxFuture<'_, Result<HttpResponse, Error>> {
        let body = self.0.clone();
        let headers = HeaderMap::new();
        Box::pin(async { Ok(HttpResponse { status: StatusCode::OK, headers, body }) })
    }
}

fn validator(issuer: &Issuer) -> anyhow::Result<Rfc9068Validator> {
    let building = Rfc9068Validator::builder()
        .issuer(ISSUER)
        .audience(AUDIENCE)
        .jwks_uri(format!("{ISSUER}/jwks").parse()?)
        .jwks_source(Published(issuer.jwks().into()))
        .build();
    Ok(ready(building).context("building it waits")??)
}

fn accepts(validator: &Rfc9068Validator, headers: &HeaderMap, uri: &Uri) -> bool {
    let outcome = ready(validator.validate_request(headers, &Method::GET, uri, None));
    outcome.is_some_and(|found| matches!(found.outcome, Ok(Some(_))))
}

/// The check of a token.
pub fn whole(issuer: &Issuer, tokens: &[Signed]) -> anyhow::Result<Subject> {
    let validator = validator(issuer)?;
    let uri = format!("{AUDIENCE}{PATH}").parse::<Uri>()?;
    let headers = tokens.iter().map(|token| headers("Bearer", token, None));
    let headers = headers.collect::<anyhow::Result<Vec<_>>>()?;
    Ok(Subject::over("huskarl-resource-server", headers, move |headers| {
        accepts(&validator, headers, &uri)
    }))
}

/// A request with a bound token and a new proof. It remembers no token, so it checks two signatures.
pub fn proven(issuer: &Rc<Issuer>, token: &Signed) -> anyhow::Result<Subject> {
    let validator = validator(issuer)?;
    let uri = format!("{AUDIENCE}{PATH}").parse::<Uri>()?;
    let token = token.clone();
    let (issuer, number) = (Rc::clone(issuer), Cell::new(0));
    let make = move |count: usize| {
        (0..count)
            .map(|_| {
                number.set(number.get() + 1);
                let proof = issuer.proof(&token.compact, number.get())?;
                headers("DPoP", &token, Some(&proof))
            })
            .collect()
    };
    Ok(Subject::once("huskarl-resource-server", make, move |headers| {
        accepts(&validator, headers, &uri)
    }))
}

fn headers(scheme: &str, token: &Signed, proof: Option<&Signed>) -> anyhow::Result<HeaderMap> {
    let mut headers = HeaderMap::new();
    let value = HeaderValue::try_from(format!("{scheme} {}", token.compact))?;
    headers.insert(http::header::AUTHORIZATION, value);
    if let Some(proof) = proof {
        headers.insert("dpop", HeaderValue::try_from(&proof.compact)?);
    }
    Ok(headers)
}
