//! Owns: saying of every check what it makes of a token, for an operator who wonders why one is refused.
//! It lets nobody in, and nothing it says holds a token, a subject or a signature.

use std::fmt;

use super::Validator;
use crate::claims::{AccessClaims, OneOrMany, Text};
use crate::json;
use crate::jws::JwsError;
use crate::keysource::VerifyError;
use crate::refusal::InvalidToken;
use crate::revocation::{TokenName, Verdict};
use crate::token::Parts;
use crate::trust::{self, Trust};

/// What each check makes of a token, also those behind the first that fails.
///
/// Its text has a line for each. Claims are told as they stand, whether or not the signature is good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    steps: Vec<Step>,
}

/// What one check makes of a token.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Step {
    /// Which check.
    pub check: &'static str,
    /// The code of the reason for which it would refuse the token.
    pub refused: Option<&'static str>,
    /// What it saw.
    pub saw: String,
}

impl Explanation {
    /// Whether no check would refuse the token. The request it comes with is another matter: a bound token
    /// needs its proof.
    pub fn is_good(&self) -> bool {
        self.steps.iter().all(|step| step.refused.is_none())
    }

    /// The checks, in their order.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    fn tell(&mut self, check: &'static str, outcome: Result<(), &'static str>, saw: String) {
        self.steps.push(Step { check, refused: outcome.err(), saw });
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Step { check, refused, saw } in &self.steps {
            match refused {
                None => writeln!(f, "ok  {check:<10}  {saw}")?,
                Some(reason) => writeln!(f, "NO  {check:<10}  {saw} [{reason}]")?,
            }
        }
        Ok(())
    }
}

impl Validator {
    /// Says what every check makes of `token`, a bare access token without its scheme.
    pub async fn explain(&self, token: &str) -> Explanation {
        let now = (self.inner.clock)();
        let mut told = Explanation { steps: Vec::new() };
        let trust = trust::choose(&self.inner.trusts, token);
        let form = Parts::cut(token).and_then(|parts| Ok((parts, parts.unverified_header()?)));
        let header = match form {
            Ok((_, read)) => {
                let header = read.header;
                let (kid, typ) = (header.kid.as_deref(), header.typ.as_deref());
                let saw = format!("alg {}, kid {}, typ {}", header.alg, shown(kid), shown(typ));
                told.tell("form", Ok(()), saw);
                header
            }
            Err(error) => {
                told.tell("form", Err(error.reason()), error.to_string());
                return told;
            }
        };
        let trust = match trust {
            Ok(trust) => trust,
            Err(error) => {
                told.tell("issuer", Err(error.reason()), error.to_string());
                return told;
            }
        };
        match trust.keys.verify(token, &trust.algorithms, now).await {
            Ok(_) => told.tell("signature", Ok(()), format!("good, by {}", header.alg)),
            Err(error) => told.tell("signature", Err(error.reason()), signature_words(&error)),
        }
        let typed = trust.profile.accepts_type(&header);
        let saw = format!("{:?} wants a header of its type", trust.profile);
        told.tell("type", typed.then_some(()).ok_or(InvalidToken::Type.reason()), saw);
        self.explain_claims(&mut told, trust, token, now);
        told
    }

    fn explain_claims(&self, told: &mut Explanation, trust: &Trust, token: &str, now: u64) {
        let payload = token_payload(token);
        let claims = match json::object::<AccessClaims<'_>>(&payload) {
            Ok(claims) => claims,
            Err(error) => return told.tell("claims", Err("claims_malformed"), error.to_string()),
        };
        let refuse = |good: bool, why: InvalidToken| if good { Ok(()) } else { Err(why.reason()) };
        let issuer = refuse(claims.iss.as_str() == trust.issuer, InvalidToken::Issuer);
        told.tell("issuer", issuer, format!("iss {}", shown(Some(claims.iss.as_str()))));
        let ours = trust.profile.has_audience(&claims, &trust.audiences);
        let audiences: Vec<&str> = claims.aud.iter().flat_map(OneOrMany::iter).collect();
        let saw = format!("aud {}", shown(Some(&audiences.join(" "))));
        told.tell("audience", refuse(ours, InvalidToken::Audience), saw);
        let marked = trust.profile.accepts_claims(&claims);
        told.tell("kind", refuse(marked, InvalidToken::Type), "claims of an access token".into());
        let lifetime = trust.within_lifetime(&claims, now).map(drop).map_err(InvalidToken::reason);
        told.tell("lifetime", lifetime, lifetime_words(&claims, now));
        let subject = claims.sub.as_ref().map(Text::as_str).unwrap_or_default();
        told.tell("subject", refuse(!subject.is_empty(), InvalidToken::NoSubject), "sub".into());
        let (checkable, saw) = self.inner.binding.explain(claims.cnf.as_ref());
        told.tell("binding", refuse(checkable, InvalidToken::UnsupportedBinding), saw.to_owned());
        if let Some((list, _)) = &self.inner.denylist {
            let name = TokenName {
                issuer: &trust.issuer,
                id: claims.jti.as_ref().map(Text::as_str),
                subject,
                issued_at: claims.iat.map(|date| date.0),
            };
            let (outcome, saw) = match list.verdict(&name, now) {
                Verdict::Clear => (Ok(()), "not revoked"),
                Verdict::Denied => (Err(InvalidToken::Revoked.reason()), "revoked"),
                Verdict::Unknown => (Err("revocation_unknown"), "the list cannot say"),
            };
            told.tell("revocation", outcome, saw.to_owned());
        }
    }
}

fn token_payload(token: &str) -> Vec<u8> {
    crate::token::payload(token).unwrap_or_default()
}

fn signature_words(error: &VerifyError) -> String {
    match error {
        VerifyError::Token(JwsError::UnknownKey) => {
            "the issuer publishes no key of this kid".to_owned()
        }
        error => error.to_string(),
    }
}

fn lifetime_words(claims: &AccessClaims<'_>, now: u64) -> String {
    let Some(expires_at) = claims.exp.map(|date| date.0) else { return "without exp".to_owned() };
    match expires_at.checked_sub(now) {
        Some(left) => format!("exp in {left} s"),
        None => format!("exp {} s ago", now.saturating_sub(expires_at)),
    }
}

/// What a sender wrote, for a terminal: quoted, escaped and not longer than is of use.
fn shown(text: Option<&str>) -> String {
    const LONGEST: usize = 120;
    match text {
        None => "absent".to_owned(),
        Some(text) => {
            let short: String = text.chars().take(LONGEST).collect();
            let more = if short.len() < text.len() { "…" } else { "" };
            format!("{short:?}{more}")
        }
    }
}
