//! Owns: a token that was accepted, apart from the request it came with: what is worth keeping for the
//! next request with the same token.

mod scopes;

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use serde_json::Value;

use crate::claims::{AccessClaims, Confirmation, NumericDate, Text, strings_at};
use crate::dpop::UsedKey;
use crate::json;
use crate::jwk::VerifyingKey;
use crate::jws::VerifiedJws;
use crate::trust::Trust;
use scopes::Granted;

/// Signature, type, issuer, audience and lifetime are good. Only [`Trust::judge`] makes one.
pub(crate) struct Accepted {
    pub(crate) trust: Arc<Trust>,
    pub(crate) facts: Facts,
    pub(crate) payload: Vec<u8>,
    pub(crate) key: Arc<VerifyingKey>,
    /// The newest set of the issuer's keys that this key was seen in.
    set: AtomicU64,
    /// The key of its client's proofs.
    pub(crate) proof_key: UsedKey,
    scopes: OnceLock<Vec<String>>,
    rights: OnceLock<Rights>,
    #[cfg(feature = "permissions")]
    user: OnceLock<crate::permissions::User>,
}

/// The claims that are asked for on every request.
pub(crate) struct Facts {
    pub(crate) subject: String,
    pub(crate) expires_at: u64,
    pub(crate) issued_at: Option<u64>,
    pub(crate) id: Option<String>,
    pub(crate) client: Option<String>,
    pub(crate) authenticated_at: Option<u64>,
    pub(crate) acr: Option<String>,
    pub(crate) bound_to: Option<Confirmation>,
    granted: Granted,
}

/// Read when they are first asked for: few services need them, and they may lie anywhere.
#[derive(Debug)]
pub(crate) struct Rights {
    pub(crate) roles: Vec<String>,
    pub(crate) permissions: Vec<String>,
}

impl Facts {
    /// `subject` and `expires_at` are those of `claims`, which was judged.
    pub(crate) fn of(
        mut claims: AccessClaims<'_>,
        subject: String,
        expires_at: u64,
        trust: &Trust,
        payload: &[u8],
    ) -> Self {
        let owned = |text: &Text<'_>| text.as_str().to_owned();
        let seconds = |NumericDate(seconds)| seconds;
        Self {
            subject,
            expires_at,
            issued_at: claims.iat.map(seconds),
            id: claims.jti.as_ref().map(owned),
            client: claims.client_id.as_ref().or(claims.azp.as_ref()).map(owned),
            authenticated_at: claims.auth_time.map(seconds),
            acr: claims.acr.as_ref().map(owned),
            bound_to: claims.cnf.take(),
            granted: match trust.names.scopes.as_slice() {
                [] => Granted::by(&claims),
                names => Granted::at(names, payload),
            },
        }
    }
}

impl Accepted {
    pub(crate) fn new(trust: Arc<Trust>, facts: Facts, jws: VerifiedJws) -> Self {
        let (payload, signed_by) = jws.into_parts();
        Self {
            trust,
            facts,
            payload,
            key: signed_by.key,
            set: AtomicU64::new(signed_by.set),
            proof_key: UsedKey::default(),
            scopes: OnceLock::new(),
            rights: OnceLock::new(),
            #[cfg(feature = "permissions")]
            user: OnceLock::new(),
        }
    }

    pub(crate) fn scopes(&self) -> &[String] {
        self.scopes.get_or_init(|| self.facts.granted.list())
    }

    pub(crate) fn has_scope(&self, scope: &str) -> bool {
        self.facts.granted.has(scope)
    }

    pub(crate) fn rights(&self) -> &Rights {
        self.rights.get_or_init(|| {
            let claims: Value = json::object(&self.payload).unwrap_or_default();
            let all = |names: &[String]| {
                names.iter().flat_map(|name| strings_at(&claims, name)).collect()
            };
            Rights {
                roles: all(&self.trust.names.roles),
                permissions: all(&self.trust.names.permissions),
            }
        })
    }

    /// Its user, of the tenant that the claim at `tenant` names. A validator always asks for the same claim.
    #[cfg(feature = "permissions")]
    pub(crate) fn user(&self, tenant: Option<&str>) -> &crate::permissions::User {
        self.user.get_or_init(|| {
            let user = crate::permissions::User::new(&*self.trust.issuer, &*self.facts.subject);
            let claims = tenant.map(|_| json::object(&self.payload).unwrap_or_default());
            let named =
                tenant.zip(claims).map(|(path, claims): (_, Value)| strings_at(&claims, path));
            match named.as_deref() {
                Some([tenant]) => user.tenant(tenant),
                _ => user,
            }
        })
    }

    pub(crate) fn has_expired(&self, now: u64) -> bool {
        self.trust.has_expired(self.facts.expires_at, now)
    }

    /// The set that its key was last seen in.
    pub(crate) fn key_set(&self) -> u64 {
        self.set.load(Ordering::Relaxed)
    }

    /// Its key is in this set, too.
    pub(crate) fn seen_in(&self, set: u64) {
        self.set.store(set, Ordering::Relaxed);
    }

    /// What it takes in memory, more or less, in bytes.
    pub(crate) fn weight(&self) -> u64 {
        // The claims that are read stand in the payload as well.
        512 + 2 * u64::try_from(self.payload.len()).unwrap_or(u64::MAX / 4)
    }
}

impl fmt::Debug for Accepted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Accepted")
            .field("expires_at", &self.facts.expires_at)
            .finish_non_exhaustive()
    }
}
