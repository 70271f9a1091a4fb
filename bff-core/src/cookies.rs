//! Owns: every `Set-Cookie` of `bff`. Nothing else writes one.

use cookie::Cookie;
use cookie::time::Duration;
use http::{HeaderMap, HeaderValue, header};
use session::id::SessionId;
use session::settings::{CookieSettings, SameSite};
use shell::origin::Origin;

use crate::caller::Requester;
use crate::login_state::LoginTicket;
use crate::loops::LOOP_SECONDS;

/// Writes the cookies.
#[derive(Debug, Clone)]
pub struct Cookies(CookieSettings);

impl Cookies {
    /// Cookies as the settings want them.
    pub const fn new(settings: CookieSettings) -> Self {
        Self(settings)
    }

    /// The name of the session cookie.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// Whether the session cookie stays behind in navigations that another site began.
    pub const fn are_strict(&self) -> bool {
        matches!(self.0.same_site, SameSite::Strict)
    }

    /// Hands the browser its session.
    pub fn session(&self, id: &SessionId) -> Option<HeaderValue> {
        let cookie = base(&self.0, self.0.name.clone(), id.expose().to_owned(), "/");
        secret(&cookie.build())
    }

    /// Takes the session cookie away in every form in which it may stand in the caller's browser.
    pub fn clear_session(&self, caller: &Requester) -> Vec<HeaderValue> {
        self.0.cleared(caller.origin.as_ref().map(Origin::host))
    }

    /// Binds a login to this browser until it is back.
    pub fn login(&self, ticket: &LoginTicket, seconds: i64) -> Option<HeaderValue> {
        let name = self.login_name(ticket.suffix());
        let cookie = self.login_base(name, ticket.cookie_value());
        secret(&cookie.max_age(Duration::seconds(seconds)).build())
    }

    /// Takes a login's cookie away.
    pub fn clear_login(&self, suffix: &str) -> Option<HeaderValue> {
        let cookie = self.login_base(self.login_name(suffix), String::new());
        plain(&cookie.max_age(Duration::ZERO).build())
    }

    /// The name of the cookie of the login whose state begins with `suffix`.
    pub fn login_name(&self, suffix: &str) -> String {
        format!("{}{suffix}", self.login_prefix())
    }

    /// What the names of all login cookies begin with.
    pub fn login_prefix(&self) -> String {
        format!("{}_login_", self.0.name)
    }

    /// Remembers when callbacks were completed; see [`crate::loops`].
    pub fn completed(&self, value: String) -> Option<HeaderValue> {
        let cookie = self.host_only(self.completed_name(), value, "/");
        let seconds = i64::try_from(LOOP_SECONDS).unwrap_or(i64::MAX);
        plain(&cookie.max_age(Duration::seconds(seconds)).build())
    }

    /// Forgets them.
    pub fn clear_completed(&self) -> Option<HeaderValue> {
        let cookie = self.host_only(self.completed_name(), String::new(), "/");
        plain(&cookie.max_age(Duration::ZERO).build())
    }

    /// The name of that cookie.
    pub fn completed_name(&self) -> String {
        format!("{}_loop", self.0.name)
    }

    /// Whether both hosts, each with its port or without, are sent the session cookie.
    pub fn span(&self, one: &str, other: &str) -> bool {
        [one, other].iter().all(|host| self.0.reaches(host.split(':').next().unwrap_or_default()))
    }

    /// Outside `__Host-` names, login cookies are sent to `/auth` alone.
    fn login_base(&self, name: String, value: String) -> cookie::CookieBuilder<'static> {
        let path = if name.to_ascii_lowercase().starts_with("__host-") { "/" } else { "/auth" };
        self.host_only(name, value, path)
    }

    /// `Lax`, whatever the session cookie is: the way back from the IdP is a navigation from
    /// another site.
    fn host_only(
        &self,
        name: String,
        value: String,
        path: &'static str,
    ) -> cookie::CookieBuilder<'static> {
        let host_only = CookieSettings { domain: None, same_site: SameSite::Lax, ..self.0.clone() };
        base(&host_only, name, value, path)
    }
}

/// The pairs of all `Cookie` lines, as bytes.
pub fn pairs(headers: &HeaderMap) -> impl Iterator<Item = &[u8]> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .flat_map(|line| line.as_bytes().split(|byte| *byte == b';'))
        .map(<[u8]>::trim_ascii)
}

fn base(
    settings: &CookieSettings,
    name: String,
    value: String,
    path: &'static str,
) -> cookie::CookieBuilder<'static> {
    let same_site = match settings.same_site {
        SameSite::Lax => cookie::SameSite::Lax,
        SameSite::Strict => cookie::SameSite::Strict,
        SameSite::None => cookie::SameSite::None,
    };
    let builder = Cookie::build((name, value))
        .path(path)
        .http_only(true)
        .secure(settings.secure)
        .same_site(same_site);
    match &settings.domain {
        Some(domain) => builder.domain(domain.clone()),
        None => builder,
    }
}

fn plain(cookie: &Cookie<'_>) -> Option<HeaderValue> {
    HeaderValue::try_from(cookie.to_string()).ok()
}

fn secret(cookie: &Cookie<'_>) -> Option<HeaderValue> {
    let mut value = plain(cookie)?;
    value.set_sensitive(true);
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(name: &str, domain: Option<&str>) -> Cookies {
        Cookies::new(CookieSettings {
            name: name.to_owned(),
            domain: domain.map(str::to_owned),
            secure: true,
            same_site: SameSite::Lax,
        })
    }

    #[test]
    fn c35_the_session_cookie_is_out_of_reach_of_script_and_clear_text() {
        let cookie =
            settings("__Host-bff", None).session(&SessionId::from_random([1; 32])).unwrap();
        assert!(cookie.is_sensitive());
        let text = cookie.to_str().unwrap();
        assert!(text.starts_with("__Host-bff="), "{text}");
        assert!(text.ends_with("; HttpOnly; SameSite=Lax; Secure; Path=/"), "{text}");
    }

    #[test]
    fn login_cookies_are_host_only_and_narrow() {
        let text = settings("bff", Some("example.com")).clear_login("abc").unwrap();
        let text = text.to_str().unwrap();
        assert!(text.starts_with("bff_login_abc=;") && text.contains("Path=/auth"), "{text}");
        assert!(!text.contains("Domain"), "{text}");
        let prefixed = settings("__Host-bff", None).clear_login("abc").unwrap();
        assert!(prefixed.to_str().unwrap().ends_with("Path=/; Max-Age=0"));
    }

    #[test]
    fn c35_the_count_of_callbacks_is_host_only_and_comes_with_every_path() {
        for (name, domain) in [("bff", Some("example.com")), ("__Host-bff", None)] {
            let text = settings(name, domain).completed("1.2".to_owned()).unwrap();
            let text = text.to_str().unwrap();
            let expected =
                format!("{name}_loop=1.2; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=60");
            assert_eq!(text, expected);
        }
    }

    #[test]
    fn hosts_share_a_session_under_its_domain_alone() {
        let shared = settings("bff", Some("example.com"));
        assert!(shared.span("a.example.com:8443", "example.com"));
        assert!(!shared.span("a.example.com", "a.example.org"));
        assert!(!shared.span("notexample.com", "example.com"));
        assert!(!settings("bff", None).span("example.com", "example.com"));
    }
}
