//! Owns: what a request asks, checked as far as no session is needed: whose word it is, the policy, and
//! which session or token it shows.

use std::time::Instant;

use http::header::{COOKIE, HeaderMap, USER_AGENT};
use http::request::Parts;
use session::cookie::{self, SessionCookie};
use session::id::StoreKey;

use super::{State, record};
use crate::bearer::Bearer;
use crate::csrf;
use crate::fields::{Fields, Lines};
use crate::policy::{Demands, PolicyError};
use crate::refusal::Refusal;
use crate::reply::Refused;
use crate::request::{self, Endpoint, Original, Peer};
use crate::tenants::Found;

/// Why the store is not asked.
pub(super) enum Unasked<'a> {
    Refused(Refused),
    /// A bearer token is there, and decides alone.
    Bearer(Box<Context<'a>>),
}

impl From<Refused> for Unasked<'_> {
    fn from(refused: Refused) -> Self {
        Self::Refused(refused)
    }
}

/// The original request, and what its route asks.
pub(super) struct Context<'a> {
    pub(super) endpoint: Endpoint,
    pub(super) original: Original<'a>,
    pub(super) tenant: Found<'a>,
    pub(super) demands: Demands,
    pub(super) headers: &'a HeaderMap,
    pub(super) forwarded_for: Lines<'a>,
    /// Names the request, if it brought no id.
    pub(super) number: u64,
}

/// A question to the store.
pub(super) struct Asked<'a> {
    pub(super) key: StoreKey,
    /// Empty where there is none.
    pub(super) user_agent: &'a [u8],
    pub(super) context: Context<'a>,
}

impl State {
    /// What the request asks, once all is checked that needs no session.
    pub(super) fn ask<'a>(
        &'a self,
        peer: Peer,
        head: &'a Parts,
        now: Instant,
    ) -> Result<Asked<'a>, Unasked<'a>> {
        let fields = Fields::of(&head.headers);
        let Some(endpoint) = Endpoint::of(head.uri.path()) else {
            return Err(self.refuse(peer, head, &fields, Refusal::UnknownPath, None).into());
        };
        if request::is_ignored_proxy(peer, &fields) {
            self.ignored_proxy.call_once(|| record::ignored_proxy(peer));
        }
        let original = Original::read(peer, head, &fields).map_err(|bad| {
            self.log.bad_forwarded(now, peer, &bad);
            self.refuse(peer, head, &fields, Refusal::ForwardedHeader, None)
        })?;
        let Some(tenant) = self.config.tenants.of(&original) else {
            return Err(self.refuse(peer, head, &fields, Refusal::UnknownHost, None).into());
        };
        let demands = match head.uri.query() {
            None => Demands::default(),
            Some(query) => match self.demands(query) {
                Ok(demands) => demands,
                Err(error) => {
                    self.log.bad_policy(now, error);
                    return Err(self.refuse(peer, head, &fields, Refusal::Policy, None).into());
                }
            },
        };
        let headers = &head.headers;
        let context = Context {
            endpoint,
            original,
            tenant,
            demands,
            headers,
            forwarded_for: fields.forwarded_for,
            number: self.request_ids.number(),
        };
        if context.demands.bearer().is_some() && Bearer::is_shown(headers) {
            return Err(Unasked::Bearer(Box::new(context)));
        }
        match self.key_of(&peer, &context, head, &fields, now) {
            Ok(key) => {
                let user_agent = match fields.user_agent {
                    Lines::One(value) => value.as_bytes(),
                    lines => lines.values(&head.headers, &USER_AGENT).next().unwrap_or_default(),
                };
                Ok(Asked { key, user_agent, context })
            }
            Err(refusal) => Err(self.refuse(peer, head, &fields, refusal, Some(&context)).into()),
        }
    }

    fn demands(&self, query: &str) -> Result<Demands, PolicyError> {
        Demands::read(query, &self.config.policies.load(), self.config.inline_policy)
    }

    /// The session that the request names, if it may be asked for at all.
    fn key_of(
        &self,
        peer: &Peer,
        context: &Context<'_>,
        head: &Parts,
        fields: &Fields<'_>,
        now: Instant,
    ) -> Result<StoreKey, Refusal> {
        let Context { original, tenant, .. } = context;
        let name = &tenant.cookie.name;
        let found = match fields.cookie {
            Lines::One(line) => cookie::find([line.as_bytes()], name),
            lines => cookie::find(lines.values(&head.headers, &COOKIE), name),
        };
        let key = match found {
            SessionCookie::One(id) => id.store_key(),
            SessionCookie::Missing => return Err(Refusal::CookieMissing),
            SessionCookie::Malformed => return Err(Refusal::CookieMalformed),
            SessionCookie::Several => return Err(Refusal::CookieRepeated),
        };
        if csrf::is_cross_site(original, &head.headers, &tenant.cors_origins) {
            self.note_cross_site(peer, context, &key, now);
            return Err(Refusal::CrossSite);
        }
        Ok(key)
    }

    #[cold]
    #[inline(never)]
    fn note_cross_site(&self, peer: &Peer, context: &Context<'_>, key: &StoreKey, now: Instant) {
        self.log.cross_site(now, key, || self.cause(*peer, context));
    }
}
