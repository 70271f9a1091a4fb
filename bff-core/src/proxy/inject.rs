//! Owns: values that the server knows and the browser does not, put into requests on routes with `inject`.
//!
//! Whatever the browser sent under such a name goes, in every spelling that a service might read as the same
//! name. A request without a value that its route injects is not forwarded.

mod json;
mod plan;
mod query;

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH};
use http::request::Parts;
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderName, HeaderValue, Uri};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use session::header_text;
use session::record::UserContext;

use super::admit::Principal;
use super::body;
use super::headers::remove_spellings;
use super::path::PlainPath;
use super::table::Matched;
use crate::app::App;
use crate::audit;
use crate::caller::Caller;
use crate::error::ApiError;
use crate::json::{JsonError, is_json};
use crate::sessions::{ActiveSession, tenant_of};
use crate::user_context::{self, Lacking};
pub(super) use plan::{Injection, Known};

/// What stands for itself in a path and in a query (RFC 3986 section 2.3).
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Longest body that a value is put into.
const MAX_BODY: usize = 64 * 1024;

/// Longest value.
const MAX_VALUE: usize = 1024;

/// A request with the values in it, but for those in headers: these come last, when the browser's are gone.
#[derive(Debug)]
pub(super) struct Injected {
    pub(super) head: Parts,
    /// Where the request goes, if that is another path than was matched.
    pub(super) path: Option<String>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl Injected {
    /// Puts the values in headers into the request that the service will see.
    pub(super) fn put_headers(&self, headers: &mut HeaderMap) {
        for (name, value) in &self.headers {
            remove_spellings(headers, name);
            headers.insert(name.clone(), value.clone());
        }
    }
}

/// Puts the values of the route into the request.
///
/// # Errors
/// [`ApiError::ContextMissing`] if one is not known or cannot stand where it belongs,
/// [`ApiError::ContextUnavailable`] if its source never answered; or what is wrong with the request.
pub(super) async fn inject(
    app: &Arc<App>,
    caller: &Caller,
    principal: &Principal,
    matched: &Matched,
    mut head: Parts,
    mut body: Body,
) -> Result<(Injected, Body), ApiError> {
    let route = &matched.route;
    let Some(injection) = &route.injection else {
        return Ok((Injected { head, path: None, headers: Vec::new() }, body));
    };
    let session = match principal {
        Principal::Session(session) => session,
        Principal::Nobody => return Err(ApiError::Unauthenticated("context_needs_session")),
        // Nothing is known of whom a caller's own token speaks for.
        Principal::Bearer(_) => {
            let value = injection.first();
            audit::context_missing(caller, None, &route.id, &value);
            return Err(ApiError::ContextMissing { value });
        }
    };
    let values = Values::of(app, session, injection).await?;
    let filled = Filling { caller, session, route: &route.id, values: &values };
    if !injection.query.is_empty() {
        let pairs = filled.all(&injection.query, encoded)?;
        let query = query::with(head.uri.query().unwrap_or_default(), &pairs)
            .ok_or(ApiError::BadRequest("query_unclear"))?;
        head.uri = with_query(&head.uri, &query)?;
    }
    let path =
        if injection.path.is_empty() { None } else { Some(filled.path(injection, matched)?) };
    if !injection.json.is_empty() {
        body = filled.body(injection, &mut head, body, route.idle_timeout).await?;
    }
    let headers = filled.all(&injection.header, |text| {
        let mut value = HeaderValue::try_from(header_text::encode(text)).ok()?;
        value.set_sensitive(true);
        Some(value)
    })?;
    Ok((Injected { head, path, headers }, body))
}

/// What is known of the user of a session.
struct Values<'a> {
    app: &'a App,
    context: Arc<UserContext>,
    user_id: Value,
    tenant_id: Value,
}

impl<'a> Values<'a> {
    async fn of(
        app: &'a Arc<App>,
        session: &ActiveSession,
        injection: &Injection,
    ) -> Result<Self, ApiError> {
        let context = app.user_context(session, &injection.user_values()).await?;
        let management = app.management(session)?;
        let tenant_id = tenant_of(session);
        Ok(Self { app, context, user_id: management.user_id.into(), tenant_id: tenant_id.into() })
    }

    fn get(&self, known: &Known) -> Result<&Value, Lacking> {
        let settings = &self.app.config.user_context;
        let value = match known {
            Known::User(name) => user_context::value(settings, &self.context, name)?,
            Known::UserId => &self.user_id,
            Known::TenantId => &self.tenant_id,
        };
        // A number that is no whole one may have lost digits on its way here.
        let usable = match value {
            Value::String(text) => !text.is_empty() && text.len() <= MAX_VALUE,
            Value::Number(number) => !number.is_f64(),
            Value::Bool(_) => true,
            _ => false,
        };
        if usable { Ok(value) } else { Err(Lacking::Missing) }
    }
}

/// The filling of one request.
struct Filling<'a> {
    caller: &'a Caller,
    session: &'a ActiveSession,
    route: &'a str,
    values: &'a Values<'a>,
}

impl Filling<'_> {
    fn value(&self, known: &Known) -> Result<&Value, ApiError> {
        self.values.get(known).map_err(|lacking| match lacking {
            Lacking::Unread => ApiError::ContextUnavailable("source_never_answered"),
            Lacking::Missing => self.refuse(known),
        })
    }

    fn refuse(&self, known: &Known) -> ApiError {
        let value = known.to_string();
        audit::context_missing(self.caller, Some(&self.session.key), self.route, &value);
        ApiError::ContextMissing { value }
    }

    /// The path with the values in it, which must still be plain.
    fn path(&self, injection: &Injection, matched: &Matched) -> Result<String, ApiError> {
        let segments = self.all(&injection.path, |text| {
            encoded(text).filter(|text| PlainPath::parse(&format!("/{text}")).is_some())
        })?;
        let path = matched.path_with(&segments).ok_or(ApiError::Internal("inject"))?;
        if PlainPath::parse(&path).is_some() { Ok(path) } else { Err(ApiError::Internal("inject")) }
    }

    /// The wanted values as `form` makes them.
    fn all<N: Clone, T>(
        &self,
        wanted: &[(N, Known)],
        form: impl Fn(&str) -> Option<T>,
    ) -> Result<Vec<(N, T)>, ApiError> {
        let one = |(name, known): &(N, Known)| {
            let text = text(self.value(known)?);
            let formed = form(&text).ok_or_else(|| self.refuse(known))?;
            Ok((name.clone(), formed))
        };
        wanted.iter().map(one).collect()
    }

    /// The body with the values in it, and the head that belongs to it.
    async fn body(
        &self,
        injection: &Injection,
        head: &mut Parts,
        body: Body,
        idle: Duration,
    ) -> Result<Body, ApiError> {
        if !is_json(&head.headers) || head.headers.contains_key(CONTENT_ENCODING) {
            return Err(ApiError::UnsupportedMediaType);
        }
        let values: Vec<_> = injection
            .json
            .iter()
            .map(|(path, known)| Ok((path, self.value(known)?)))
            .collect::<Result<_, ApiError>>()?;
        let text = body::whole(body, MAX_BODY, idle).await?;
        let text = json::with(&text, &values).map_err(|why| {
            ApiError::BadRequest(match why {
                JsonError::Malformed => "json_malformed",
                JsonError::Repeated => "json_ambiguous",
                JsonError::Misfit => "json_no_object",
            })
        })?;
        for digest in ["content-digest", "repr-digest", "digest", "content-md5"] {
            head.headers.remove(digest);
        }
        head.headers.insert(CONTENT_LENGTH, HeaderValue::from(text.len()));
        Ok(Body::from(text))
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn encoded(text: &str) -> Option<String> {
    (!text.chars().any(char::is_control)).then(|| utf8_percent_encode(text, RESERVED).to_string())
}

fn with_query(uri: &Uri, query: &str) -> Result<Uri, ApiError> {
    let unclear = |_| ApiError::BadRequest("query_unclear");
    let target = format!("{}?{query}", uri.path());
    let target: PathAndQuery = target.parse().map_err(unclear)?;
    Ok(Uri::from(target))
}
