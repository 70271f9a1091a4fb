//! Owns: one case, and what it expects.

use std::fmt;

use super::Request;

/// What a case is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Class {
    /// Parts, base64url, size.
    Structure,
    /// `alg`: none, MACs, confusion of algorithm and key.
    Algorithm,
    /// The other members of the header.
    Header,
    /// `kid`.
    KeyId,
    /// Signatures that were changed, whatever their algorithm.
    Signature,
    /// Numbers that no ECDSA signature holds, and the other spelling of one that is good.
    Ecdsa,
    /// Points and numbers that no Ed25519 signature holds.
    Eddsa,
    /// Paddings that an RSA signature must not have.
    Rsa,
    /// `iss`.
    Issuer,
    /// `aud`.
    Audience,
    /// `exp`, `nbf` and `iat`, to the second.
    Lifetime,
    /// Claims of another JSON type.
    ClaimType,
    /// Tokens that are no access tokens.
    TokenType,
    /// Texts that two JSON parsers read differently, or one of them not at all.
    Json,
    /// `cnf` in a token that is sent as it is.
    Confirmation,
    /// Faults that other libraries had, by their number.
    Known,
    /// The `Authorization` header.
    Authorization,
    /// The form of the `DPoP` header and of the proof in it.
    Proof,
    /// The key in a proof, and its signature.
    ProofKey,
    /// Method, URL, time and token that a proof is for.
    ProofClaims,
    /// Proofs that were used before.
    Replay,
    /// Nonces of the service.
    Nonce,
    /// Tokens that are bound to a certificate.
    Certificate,
    /// Revoked tokens.
    Revocation,
    /// Good tokens that do not allow what the request wants.
    Policy,
    /// An issuer that is away, and one that rotates its keys.
    Issuing,
}

impl Class {
    /// Whether its cases differ in the token alone, and are sent as any other request.
    pub fn is_of_tokens(self) -> bool {
        self < Self::Authorization
    }
}

/// A request, what has to hold when it comes, and the answer it has to get.
#[derive(Debug, Clone)]
pub struct Case {
    pub(super) name: String,
    pub(super) class: Class,
    pub(crate) given: Given,
    pub(crate) request: Request,
    pub(super) expected: Expected,
}

impl Case {
    /// A name that does not change from one version to the next.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it is about.
    pub fn class(&self) -> Class {
        self.class
    }

    /// The answer it has to get.
    pub fn expected(&self) -> &Expected {
        &self.expected
    }
}

/// The answer a case has to get.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Expected {
    /// Any status from 200 to 299, without `WWW-Authenticate`.
    Accepted,
    /// A refusal.
    #[non_exhaustive]
    Refused {
        /// The status.
        status: u16,
        /// The values of `WWW-Authenticate`, in this order.
        challenges: Vec<String>,
        /// Whether a `DPoP-Nonce` comes with it.
        nonce: bool,
        /// The code that [`Refusal::reason`](crate::Refusal::reason) gives.
        reason: &'static str,
    },
}

/// The answer a case got.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The values of `WWW-Authenticate`.
    pub challenges: Vec<String>,
    /// Whether a `DPoP-Nonce` came with it.
    pub nonce: bool,
    /// The reason of the [`Refusal`](crate::Refusal) in the extensions, where a service left it there, as
    /// [`Refusal::answer`](crate::Refusal::answer) does. It is compared as well, then.
    pub reason: Option<&'static str>,
}

impl Expected {
    /// Whether `answer` is what was expected.
    pub fn is_met_by(&self, answer: &Answer) -> bool {
        match self {
            Self::Accepted => (200..300).contains(&answer.status) && answer.challenges.is_empty(),
            Self::Refused { status, challenges, nonce, reason } => {
                *status == answer.status
                    && *challenges == answer.challenges
                    && (!nonce || answer.nonce)
                    && answer.reason.is_none_or(|given| given == *reason)
            }
        }
    }
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Accepted => f.write_str("accepted"),
            Self::Refused { status, challenges, nonce, reason } => {
                write(f, *status, challenges, *nonce, Some(reason))
            }
        }
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write(f, self.status, &self.challenges, self.nonce, self.reason)
    }
}

fn write(
    f: &mut fmt::Formatter<'_>,
    status: u16,
    challenges: &[String],
    nonce: bool,
    reason: Option<&str>,
) -> fmt::Result {
    write!(f, "{status}")?;
    challenges.iter().try_for_each(|challenge| write!(f, " [{challenge}]"))?;
    if nonce {
        f.write_str(" with a nonce")?;
    }
    reason.map_or(Ok(()), |reason| write!(f, " ({reason})"))
}

/// What has to hold when the request of a case comes.
#[derive(Debug, Clone, Default)]
pub(crate) struct Given {
    /// Requests that come first, before anything below holds, and whose answers are nobody's business.
    pub(crate) before: Vec<Request>,
    /// The time, in seconds after the corpus was made.
    pub(crate) later: u64,
    pub(crate) published: Published,
    pub(crate) revoked: Option<Revoked>,
    /// The list of revoked tokens cannot say.
    pub(crate) silent: bool,
    /// Requests that come when all of this holds, and whose answers are nobody's business either.
    pub(crate) meanwhile: Vec<Request>,
}

impl Given {
    /// Nothing but the request makes the case.
    #[cfg(test)]
    pub(crate) fn is_usual(&self) -> bool {
        let asked = self.before.is_empty() && self.meanwhile.is_empty() && self.later == 0;
        let published = self.published == Published::AsBefore;
        asked && published && self.revoked.is_none() && !self.silent
    }
}

/// The state of the issuer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Published {
    #[default]
    AsBefore,
    /// It cannot be reached.
    Away,
    /// The keys of a later generation are published beside the present ones.
    Beside(u32),
    /// The keys of a later generation have taken their place.
    Alone(u32),
}

#[derive(Debug, Clone)]
pub(crate) enum Revoked {
    Token(String),
    User(String),
}
