//! `GET /api/auth/events`: what happens to this session, as server-sent events.
//!
//! `ready` at once, then `refreshed`, `expiring`, `step_up`, and `revoked`, after which the stream ends. A
//! stream never extends the session. News wake it (`live.rs`), and every quarter of a minute it looks by
//! itself, so that news which were lost are late by no more than that.

mod watch;

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::extract::State;
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse as _, Response};
use futures_util::stream;
use http::header::{CACHE_CONTROL, VARY};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde_json::json;

use crate::app::App;
use crate::caller::Caller;
use crate::csrf;
use crate::error::ApiError;
use crate::sessions::Use;
use watch::{Told, Watch};

/// Tells nginx and its kin to hand on each event as it comes.
const BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// Browsers come back after this long, and up to twice that: a replica that ends sends all of its
/// streams elsewhere at once.
const COME_BACK_AFTER: u64 = 2_000;

/// The stream. 401 without a session, which a browser's `EventSource` takes for good.
pub(crate) async fn events(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let network = &app.config.network;
    csrf::check_origin(&headers, caller.origin.as_ref(), &caller.tenant.site.cors_origins)?;
    let session = app
        .session(&headers, &caller, Use::Silent)
        .await?
        .ok_or(ApiError::Unauthenticated("no_session"))?;
    csrf::check_token(
        &headers,
        &Method::GET,
        &network.csrf_header,
        false,
        &app.config.session_keys,
        &session.id,
    )?;
    let seat = app.live.take(session.key, &app.store, &app.shutdown);
    let seat = seat.ok_or(ApiError::TooManyStreams)?;
    let come_back = come_back(&app);
    let provider = app.management(&session)?.provider;
    let watch = Watch::new(app, session.key, provider, seat);
    let told = stream::unfold(watch, move |mut watch| async move {
        let event = event(&watch.next().await?, come_back);
        Some((Ok::<_, Infallible>(event), watch))
    });
    let mut response = Sse::new(told).into_response();
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(VARY, HeaderValue::from_static("Cookie"));
    headers.insert(BUFFERING, HeaderValue::from_static("no"));
    Ok(response)
}

fn come_back(app: &App) -> Duration {
    let random = u64::from(u16::from_be_bytes(app.random.bytes()));
    Duration::from_millis(COME_BACK_AFTER + random % COME_BACK_AFTER)
}

fn event(told: &Told, come_back: Duration) -> Event {
    let named =
        |name: &str, data: serde_json::Value| Event::default().event(name).data(data.to_string());
    match told {
        Told::Nothing => Event::default().comment("still here"),
        Told::Ready(life) => named(
            "ready",
            json!({ "expires_at": life.expires_at, "idle_expires_at": life.idle_expires_at }),
        )
        .retry(come_back),
        Told::Refreshed(life) => named(
            "refreshed",
            json!({ "expires_at": life.expires_at, "idle_expires_at": life.idle_expires_at }),
        ),
        Told::Expiring { life, seconds } => named(
            "expiring",
            json!({
                "expires_at": life.expires_at, "idle_expires_at": life.idle_expires_at,
                "in": seconds,
            }),
        ),
        Told::StepUp { asked, login_url } => named(
            "step_up",
            json!({
                "acr_values": asked.acr_values, "max_age": asked.max_age, "login_url": login_url,
            }),
        ),
        Told::Revoked(reason) => named("revoked", json!({ "reason": reason })),
    }
}
