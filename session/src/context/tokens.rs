//! Owns: context tokens that are used again: one for each session and audience, for half its life, and only
//! while the session says what the token says. Bounded in bytes.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderValue;
use moka::policy::EvictionPolicy;
use moka::sync::Cache;
use shell::random::Random;

use super::{ContextError, ContextKeys, ContextSigner, LIFE_MAX, Minted};
use crate::edge::{EdgeFrame, LiveEdge};
use crate::id::StoreKey;

/// What an entry takes beside its token.
const ENTRY_BYTES: usize = 512;

/// Mints, and keeps what it minted. Make one for each thread, or one for a process.
pub struct ContextTokens {
    signer: ContextSigner,
    kept: Cache<(StoreKey, Arc<str>), Arc<Kept>>,
}

struct Kept {
    facts: Facts,
    /// Who signed.
    keys: Arc<ContextKeys>,
    /// The value of `Authorization`.
    authorization: HeaderValue,
    minted_at: u64,
    /// Not used from then on.
    until: u64,
}

impl ContextTokens {
    /// Keeps at most `bytes` of tokens.
    pub fn new(signer: ContextSigner, bytes: u64) -> Self {
        let weigh = |(_, audience): &(StoreKey, Arc<str>), kept: &Arc<Kept>| {
            let text = kept.authorization.len() + kept.facts.text.len() + audience.len();
            u32::try_from(text.saturating_add(ENTRY_BYTES)).unwrap_or(u32::MAX)
        };
        let kept = Cache::builder()
            .max_capacity(bytes)
            .weigher(weigh)
            .eviction_policy(EvictionPolicy::lru())
            .time_to_live(Duration::from_secs(LIFE_MAX))
            .build();
        Self { signer, kept }
    }

    /// Who signs.
    pub const fn signer(&self) -> &ContextSigner {
        &self.signer
    }

    /// The value of `Authorization` that tells `audience` of the session under `key`, at `now`. Marked
    /// sensitive. To find one that is kept allocates nothing.
    ///
    /// # Errors
    /// [`ContextError`].
    pub fn authorization(
        &self,
        key: &StoreKey,
        edge: &LiveEdge,
        audience: &Arc<str>,
        now: u64,
        random: &dyn Random,
    ) -> Result<HeaderValue, ContextError> {
        let place = (*key, Arc::clone(audience));
        let keys = self.signer.keys.load();
        if let Some(kept) = self.kept.get(&place)
            && (kept.minted_at..kept.until).contains(&now)
            && Arc::ptr_eq(&kept.keys, &keys)
            && kept.facts.are_of(edge)
        {
            return Ok(kept.authorization.clone());
        }
        let Minted { jwt, expires_at } =
            self.signer.mint(&keys, key, edge, audience, now, random)?;
        let value = HeaderValue::try_from(format!("Bearer {jwt}"));
        let mut authorization = value.map_err(|_| ContextError::Signing)?;
        authorization.set_sensitive(true);
        let half = expires_at.saturating_sub(now) / 2;
        let until = now.saturating_add(half);
        let (facts, given) = (Facts::of(edge), authorization.clone());
        let keys = Arc::clone(&keys);
        let kept = Kept { facts, keys, authorization, minted_at: now, until };
        self.kept.insert(place, Arc::new(kept));
        Ok(given)
    }

    #[cfg(test)]
    pub(super) fn kept_entries(&self) -> u64 {
        self.kept.run_pending_tasks();
        self.kept.entry_count()
    }
}

impl fmt::Debug for ContextTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ContextTokens").field("signer", &self.signer).finish_non_exhaustive()
    }
}

/// All that a token says of its session, to see whether the session has changed.
struct Facts {
    token_version: u64,
    auth_time: u64,
    lengths: [usize; 5],
    text: Box<[u8]>,
}

impl Facts {
    fn of(edge: &EdgeFrame) -> Self {
        let fields = fields(edge);
        Self {
            token_version: edge.token_version(),
            auth_time: edge.auth_time(),
            lengths: fields.map(<[u8]>::len),
            text: fields.concat().into(),
        }
    }

    fn are_of(&self, edge: &EdgeFrame) -> bool {
        let fields = fields(edge);
        let mut rest = &*self.text;
        self.token_version == edge.token_version()
            && self.auth_time == edge.auth_time()
            && self.lengths == fields.map(<[u8]>::len)
            && fields.iter().all(|field| match rest.strip_prefix(*field) {
                Some(behind) => {
                    rest = behind;
                    true
                }
                None => false,
            })
    }
}

/// The text that goes into a token.
fn fields(edge: &EdgeFrame) -> [&[u8]; 5] {
    [edge.user_id(), edge.tenant_id(), edge.roles(), edge.scopes(), edge.acr()]
}
