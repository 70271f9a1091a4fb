//! Owns: the questions to the page itself, as anybody outside could ask them.

mod browser;
mod bypass;
mod cookies;
mod cors;
mod forwarded;
mod hidden;
mod identity;
mod open;
mod paths;
mod refusal;
mod transport;
mod websocket;

use super::finding::{Check, Finding, Seen};
use super::site::Site;
use super::wire::Failure;

/// All of them, in the order of the documentation.
pub(super) const ALL: [&Check; 31] = [
    &open::OPEN_PAGE,
    &open::SESSION,
    &bypass::METHOD_BYPASS,
    &bypass::HEADER_BYPASS,
    &bypass::HOST_BYPASS,
    &paths::PATH_BYPASS,
    &paths::ENCODED_PATH,
    &websocket::WEBSOCKET_BYPASS,
    &websocket::WEBSOCKET_ORIGIN,
    &hidden::VERIFY_REACHABLE,
    &hidden::INTERNAL_REACHABLE,
    &hidden::TRAEFIK_API,
    &identity::SPOOFED_IDENTITY,
    &identity::MISSING_IDENTITY,
    &identity::DROPPED_IDENTITY,
    &identity::SESSION_COOKIE_PASSED,
    &identity::IDENTITY_LEAK,
    &forwarded::FORWARDED_BELIEVED,
    &refusal::LOGIN_REDIRECT,
    &refusal::CACHEABLE_REFUSAL,
    &browser::CSP,
    &browser::HSTS,
    &browser::NOSNIFF,
    &browser::FRAMING,
    &browser::REFERRER_POLICY,
    &cookies::COOKIE_ATTRIBUTES,
    &cors::CORS,
    &transport::PLAIN_HTTP,
    &transport::OLD_TLS,
    &transport::HEADER_SIZE,
    &refusal::FAIL_OPEN,
];

/// Asks all questions. One that gets no answer is unknown, and the others go on.
pub(super) async fn ask(site: &Site) -> Vec<Finding> {
    let mut all = Findings::default();
    all.add(&open::OPEN_PAGE, open::open_page(site));
    all.add(&open::SESSION, open::session(site));
    all.note(&bypass::METHOD_BYPASS, bypass::method_bypass(site).await);
    all.note(&bypass::HEADER_BYPASS, bypass::header_bypass(site).await);
    all.note(&bypass::HOST_BYPASS, bypass::host_bypass(site).await);
    all.note(&paths::PATH_BYPASS, paths::path_bypass(site).await);
    all.note(&paths::ENCODED_PATH, paths::encoded_path(site).await);
    all.note(&websocket::WEBSOCKET_BYPASS, websocket::websocket_bypass(site).await);
    all.note(&websocket::WEBSOCKET_ORIGIN, websocket::websocket_origin(site).await);
    all.note(&hidden::VERIFY_REACHABLE, hidden::verify_reachable(site).await);
    all.note(&hidden::INTERNAL_REACHABLE, hidden::internal_reachable(site).await);
    all.note(&hidden::TRAEFIK_API, hidden::traefik_api(site).await);
    all.note(&identity::SPOOFED_IDENTITY, identity::spoofed_identity(site).await);
    all.note(&identity::MISSING_IDENTITY, identity::missing_identity(site).await);
    all.note(&identity::DROPPED_IDENTITY, identity::dropped_identity(site).await);
    all.note(&identity::SESSION_COOKIE_PASSED, identity::session_cookie_passed(site).await);
    all.add(&identity::IDENTITY_LEAK, identity::identity_leak(site));
    all.add(&refusal::LOGIN_REDIRECT, refusal::login_redirect(site));
    all.add(&refusal::CACHEABLE_REFUSAL, refusal::cacheable_refusal(site));
    all.add(&browser::CSP, browser::csp(site));
    all.add(&browser::HSTS, browser::hsts(site));
    all.add(&browser::NOSNIFF, browser::nosniff(site));
    all.add(&browser::FRAMING, browser::framing(site));
    all.add(&browser::REFERRER_POLICY, browser::referrer_policy(site));
    all.note(&cookies::COOKIE_ATTRIBUTES, cookies::cookie_attributes(site).await);
    all.note(&cors::CORS, cors::cors(site).await);
    all.note(&transport::PLAIN_HTTP, transport::plain_http(site).await);
    all.note(&transport::OLD_TLS, transport::old_tls(site).await);
    all.note(&transport::HEADER_SIZE, transport::header_size(site).await);
    all.add(&refusal::FAIL_OPEN, refusal::fail_open());
    // Last: where verify believes the claims, it takes the session for that of another client.
    all.note(&forwarded::FORWARDED_BELIEVED, forwarded::forwarded_believed(site).await);
    all.0
}

#[derive(Default)]
struct Findings(Vec<Finding>);

impl Findings {
    fn add(&mut self, check: &'static Check, seen: Seen) {
        self.0.push(Finding { check, seen });
    }

    fn note(&mut self, check: &'static Check, seen: Result<Seen, Failure>) {
        self.add(check, seen.unwrap_or_else(|failure| Seen::unknown(failure.to_string())));
    }
}
