//! Owns: what the query of `/auth/login` may say, and the addresses that repeat it.

use std::borrow::Cow;

use url::form_urlencoded::{self, Serializer};

use crate::caller::Caller;
use crate::config::LoginMethods;
use crate::error::ApiError;
use crate::oidc::LoginHints;
use crate::return_to::ReturnTo;

/// Begins a login in spite of a loop.
const RETRY: &str = "retry";

/// Marks a request that was sent to the host of the redirect URI, so that it is sent there once.
const MOVED: &str = "moved";

/// Marks a request that a page of ours sent on, so that it brings the session along (`same_site`).
const RETURNED: &str = "returned";

/// What a link to the login repeats.
const REPEATED: [&str; 8] =
    ["return_to", "idp", "method", "prompt", "acr_values", "max_age", "login_hint", "ui_locales"];

/// What the browser asks for.
#[derive(Debug)]
pub(super) struct LoginQuery {
    /// What the IdP is told.
    pub(super) hints: LoginHints,
    /// Where to go afterwards.
    pub(super) return_to: ReturnTo,
    /// The provider's name; `None` for the main one.
    pub(super) idp: Option<String>,
    /// The person was told of a loop, and tries again.
    pub(super) retries: bool,
    /// A page of ours sent the browser here once more.
    pub(super) returned: bool,
    moved: bool,
    /// What the method takes besides.
    accepted: Vec<String>,
}

impl LoginQuery {
    /// Reads a query; what it does not know is dropped.
    ///
    /// # Errors
    /// [`ApiError::BadRequest`] and those of [`LoginHints::from_query`] and [`LoginHints::by`].
    pub(super) fn parse(
        query: &str,
        allowed_hosts: &[String],
        methods: &LoginMethods,
    ) -> Result<Self, ApiError> {
        let only = |name: &str, repeated| {
            only(query, name).map_err(|Repeated| ApiError::BadRequest(repeated))
        };
        let return_to = only("return_to", "return_to_repeated")?;
        let mut hints = LoginHints::from_query(query)?;
        let mut idp = only("idp", "idp_repeated")?.map(Cow::into_owned);
        let mut accepted = Vec::new();
        if let Some(name) = only("method", "method_repeated")? {
            let method = methods.get(&*name).ok_or(ApiError::BadRequest("method_unknown"))?;
            hints = hints.by(method, query)?;
            idp = method.idp.clone().or(idp);
            accepted.clone_from(&method.accept);
        }
        Ok(Self {
            hints,
            return_to: return_to
                .map(|target| ReturnTo::parse(&target, allowed_hosts))
                .unwrap_or_default(),
            idp,
            retries: only(RETRY, "retry_repeated")?.is_some(),
            returned: only(RETURNED, "returned_repeated")?.is_some(),
            moved: only(MOVED, "moved_repeated")?.is_some(),
            accepted,
        })
    }
}

/// Whether a session that is there already is all that the query asks for.
pub(super) fn asks_for_a_session(query: &str) -> bool {
    let mut names = form_urlencoded::parse(query.as_bytes()).map(|(name, _)| name);
    names.all(|name| name == "return_to" || !REPEATED.contains(&name.as_ref()))
}

/// The same request, as a page of ours sends it once more.
pub(super) fn returned(query: &str) -> String {
    let mut again = with_query("/auth/login".to_owned());
    again.extend_pairs(form_urlencoded::parse(query.as_bytes()));
    again.append_pair(RETURNED, "true").finish()
}

struct Repeated;

/// The value of the only parameter of this name.
fn only<'a>(query: &'a str, name: &str) -> Result<Option<Cow<'a, str>>, Repeated> {
    let mut values = form_urlencoded::parse(query.as_bytes())
        .filter(|(key, _)| key == name)
        .map(|(_, value)| value);
    match (values.next(), values.next()) {
        (value, None) => Ok(value),
        _ => Err(Repeated),
    }
}

/// The same login again, by somebody who was told of a loop.
pub(super) fn retry(query: &str, asked: &LoginQuery) -> String {
    let mut again = with_query("/auth/login".to_owned());
    let pairs = form_urlencoded::parse(query.as_bytes());
    let repeats = |name: &str| {
        REPEATED.contains(&name) || asked.accepted.iter().any(|accepted| accepted == name)
    };
    again.extend_pairs(pairs.filter(|(name, _)| repeats(name)));
    again.append_pair(RETRY, "true").finish()
}

/// The same login at the host that the IdP sends browsers back to, for a browser that navigates at
/// another: the login's cookie would stay there, and the login could not be finished. `None` for who asks
/// at the right one.
pub(super) fn at_home(caller: &Caller, query: &str, asked: &LoginQuery) -> Option<String> {
    let site = &caller.tenant.site;
    let here = caller.origin.as_ref()?;
    let home = site.public_origin(Some(here))?;
    if asked.moved || here.host() == home.host() {
        return None;
    }
    // Where both hosts see the session, the browser goes back to the one that it came from.
    let shared = caller.tenant.cookies.span(here.host(), home.host());
    let back = format!("{here}{}", asked.return_to);
    let path = asked.return_to.as_str().starts_with('/');
    let back = (shared && path && ReturnTo::parse(&back, &site.allowed_hosts).as_str() == back)
        .then_some(back);
    let mut there = with_query(format!("{home}/auth/login"));
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        if back.is_none() || name != "return_to" {
            there.append_pair(&name, &value);
        }
    }
    if let Some(back) = &back {
        there.append_pair("return_to", back);
    }
    Some(there.append_pair(MOVED, "true").finish())
}

fn with_query(mut address: String) -> Serializer<'static, String> {
    address.push('?');
    let start = address.len();
    Serializer::for_suffix(address, start)
}
