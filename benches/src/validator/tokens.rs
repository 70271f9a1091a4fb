//! Owns: the tokens and proofs that are checked: access tokens with fifteen claims, as large as real
//! ones, and DPoP proofs, each with its own `jti`.

use anyhow::Context as _;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest::{SHA256, digest};
use serde_json::json;
use validator_lib::Algorithm;

use super::issuer::{Signer, encode};
use shell::clock::{Clock as _, SystemClock};

/// `iss` of every token.
pub const ISSUER: &str = "https://auth.example.com";
/// The audience that the checks are for.
pub const AUDIENCE: &str = "https://api.example.com";
/// The URL of the request that proofs are for.
pub const PATH: &str = "/orders";
/// The algorithms that tokens are signed with.
pub const ALGORITHMS: [Algorithm; 4] =
    [Algorithm::RS256, Algorithm::PS256, Algorithm::ES256, Algorithm::EdDSA];
/// Header and payload of every token, encoded. With a signature of 64 bytes the token has 891 bytes,
/// with one of 256 it has 1,147.
pub const SIGNING_INPUT: usize = 804;
/// For how long a token is good.
pub const LIFETIME_SECS: u64 = 24 * 60 * 60;

/// An issuer with one key for each algorithm, and a client with a DPoP key.
#[derive(Debug)]
pub struct Issuer {
    signers: Vec<Signer>,
    client: Signer,
    now: u64,
}

/// A compact serialisation, cut up.
#[derive(Debug, Clone)]
pub struct Signed {
    /// The whole.
    pub compact: String,
    /// Header and payload, as they were signed.
    pub input: Vec<u8>,
    /// The signature, decoded.
    pub signature: Vec<u8>,
}

impl Signed {
    pub(super) fn new(compact: String) -> anyhow::Result<Self> {
        let (input, signature) = compact.rsplit_once('.').context("no signature")?;
        let (input, signature) = (input.into(), URL_SAFE_NO_PAD.decode(signature)?);
        Ok(Self { compact, input, signature })
    }
}

impl Issuer {
    /// New keys.
    ///
    /// # Errors
    /// If ring makes none.
    pub fn new() -> anyhow::Result<Self> {
        Ok(Self {
            signers: ALGORITHMS.into_iter().map(Signer::new).collect::<Result<_, _>>()?,
            client: Signer::new(Algorithm::ES256)?,
            now: SystemClock.unix_seconds(),
        })
    }

    /// The key for `algorithm`.
    ///
    /// # Errors
    /// If there is none.
    pub fn signer(&self, algorithm: Algorithm) -> anyhow::Result<&Signer> {
        let found = self.signers.iter().find(|signer| signer.algorithm == algorithm);
        found.with_context(|| format!("no key for {algorithm}"))
    }

    /// The DPoP key of the client.
    pub fn client(&self) -> &Signer {
        &self.client
    }

    /// The key set that the issuer publishes.
    pub fn jwks(&self) -> String {
        let keys: Vec<_> = self.signers.iter().map(Signer::jwk).collect();
        json!({ "keys": keys }).to_string()
    }

    /// Access token `number`.
    ///
    /// # Errors
    /// If ring does not sign.
    pub fn token(&self, algorithm: Algorithm, number: u64) -> anyhow::Result<Signed> {
        self.issue(algorithm, number, "")
    }

    /// Access token `number`, bound to the client's key.
    ///
    /// # Errors
    /// If ring does not sign.
    pub fn bound_token(&self, algorithm: Algorithm, number: u64) -> anyhow::Result<Signed> {
        let cnf = format!(r#","cnf":{{"jkt":"{}"}}"#, self.thumbprint()?);
        self.issue(algorithm, number, &cnf)
    }

    fn issue(&self, algorithm: Algorithm, number: u64, more: &str) -> anyhow::Result<Signed> {
        let header = self.header(algorithm)?;
        let bare = claims(self.now, number, more, "").len();
        let payload_chars = SIGNING_INPUT.saturating_sub(encode(header.as_bytes()).len() + 1);
        let fill = (payload_chars * 3 / 4).checked_sub(bare).context("the claims are too long")?;
        let payload = claims(self.now, number, more, &"x".repeat(fill));
        let token = self.sign(algorithm, &header, &payload)?;
        anyhow::ensure!(token.input.len() == SIGNING_INPUT, "a token of another size");
        Ok(token)
    }

    /// A well-signed token in which something is written otherwise than in a good one; dates
    /// are [`Issuer::now`], and [`LIFETIME_SECS`] later.
    ///
    /// # Errors
    /// If a good one does not have it.
    pub fn altered(&self, algorithm: Algorithm, good: &str, bad: &str) -> anyhow::Result<Signed> {
        let header = self.header(algorithm)?;
        let payload = claims(self.now, 0, "", "bank");
        let found = header.contains(good) || payload.contains(good);
        anyhow::ensure!(found, "no token has {good}");
        self.sign(algorithm, &header.replace(good, bad), &payload.replace(good, bad))
    }

    /// When this issuer issues, in seconds since the epoch.
    pub fn now(&self) -> u64 {
        self.now
    }

    fn header(&self, algorithm: Algorithm) -> anyhow::Result<String> {
        let kid = self.signer(algorithm)?.kid();
        Ok(format!(r#"{{"typ":"at+jwt","alg":"{algorithm}","kid":"{kid}"}}"#))
    }

    fn sign(&self, algorithm: Algorithm, header: &str, payload: &str) -> anyhow::Result<Signed> {
        Signed::new(self.signer(algorithm)?.sign(header, payload)?)
    }

    /// Proof `number` of the client for a `GET` of [`PATH`] with `token`.
    ///
    /// # Errors
    /// If ring does not sign.
    pub fn proof(&self, token: &str, number: u64) -> anyhow::Result<Signed> {
        let jwk = self.client.bare_jwk();
        let header = format!(r#"{{"typ":"dpop+jwt","alg":"ES256","jwk":{jwk}}}"#);
        let ath = encode(digest(&SHA256, token.as_bytes()).as_ref());
        let now = SystemClock.unix_seconds();
        let payload = format!(
            r#"{{"jti":"{number:032x}","htm":"GET","htu":"{AUDIENCE}{PATH}","iat":{now},"ath":"{ath}"}}"#
        );
        Signed::new(self.client.sign(&header, &payload)?)
    }

    /// RFC 7638 section 3: the required members in the order of their names.
    fn thumbprint(&self) -> anyhow::Result<String> {
        let jwk = self.client.bare_jwk();
        let coordinate = |name| jwk.get(name).and_then(|v| v.as_str()).context("no P-256 key");
        let (x, y) = (coordinate("x")?, coordinate("y")?);
        let members = format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#);
        Ok(encode(digest(&SHA256, members.as_bytes()).as_ref()))
    }
}

/// Fourteen claims, and `cnf` if `more` has it. `fill` makes the token as long as it has to be.
fn claims(now: u64, number: u64, more: &str, fill: &str) -> String {
    let expires = now + LIFETIME_SECS;
    format!(
        r#"{{"iss":"{ISSUER}","sub":"8f1c7e5a-3b52-4c7e-9d0e-{number:012x}","aud":["{AUDIENCE}","account"],"exp":{expires},"nbf":{now},"iat":{now},"auth_time":{now},"jti":"onrtac:6b0f8a36-{number:012x}","client_id":"orders-spa","sid":"d3c5-{number:016x}","acr":"urn:example:aal2","scope":"openid profile email orders:read orders:write invoices:read","roles":["customer","reviewer","accountant","support"],"tenant":"{fill}"{more}}}"#
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_have_the_sizes_that_the_results_name() {
        let issuer = Issuer::new().unwrap();
        for algorithm in ALGORITHMS {
            let size = match algorithm {
                Algorithm::RS256 | Algorithm::PS256 => 1_147,
                _ => 891,
            };
            assert_eq!(issuer.token(algorithm, 1).unwrap().compact.len(), size, "{algorithm}");
            assert_eq!(issuer.bound_token(algorithm, 1).unwrap().compact.len(), size);
        }
    }

    #[test]
    fn what_is_signed_can_be_checked_with_the_yardstick() {
        let issuer = Issuer::new().unwrap();
        for algorithm in ALGORITHMS {
            let raw = issuer.signer(algorithm).unwrap().raw();
            let (one, other) =
                (issuer.token(algorithm, 1).unwrap(), issuer.token(algorithm, 2).unwrap());
            assert!(raw.verifies(&one.input, &one.signature), "{algorithm}");
            assert!(!raw.verifies(&one.input, &other.signature), "{algorithm}");
        }
    }
}
