//! Owns: every `Set-Cookie` of `bff`. Nothing else writes one.

use cookie::Cookie;
use cookie::time::Duration;
use http::HeaderValue;
use session::id::SessionId;

use crate::config::{CookieSettings, SameSite};
use crate::login_state::LoginTicket;

impl CookieSettings {
    /// Hands the browser its session.
    pub fn session(&self, id: &SessionId) -> Option<HeaderValue> {
        let cookie = self.base(self.name.clone(), id.expose().to_owned(), "/", self.same_site);
        secret(&cookie.build())
    }

    /// Takes the session cookie away in the form in which it was given.
    pub fn clear_session(&self) -> Option<HeaderValue> {
        let cookie = self.base(self.name.clone(), String::new(), "/", self.same_site);
        plain(&cookie.max_age(Duration::ZERO).build())
    }

    /// Takes away both the host-only and the domain form: what cookie tossing leaves behind.
    pub fn clear_both_forms(&self) -> Vec<HeaderValue> {
        let host_only = Self { domain: None, ..self.clone() };
        let with_domain = self.domain.is_some().then(|| self.clear_session()).flatten();
        host_only.clear_session().into_iter().chain(with_domain).collect()
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
        format!("{}_login_", self.name)
    }

    /// `Lax`, whatever the session cookie is: the way back from the IdP is a navigation from
    /// another site. Host-only, and outside `__Host-` names sent to `/auth` alone.
    fn login_base(&self, name: String, value: String) -> cookie::CookieBuilder<'static> {
        let path = if name.to_ascii_lowercase().starts_with("__host-") { "/" } else { "/auth" };
        let host_only = Self { domain: None, ..self.clone() };
        host_only.base(name, value, path, SameSite::Lax)
    }

    fn base(
        &self,
        name: String,
        value: String,
        path: &'static str,
        same_site: SameSite,
    ) -> cookie::CookieBuilder<'static> {
        let mut builder =
            Cookie::build((name, value)).path(path).http_only(true).secure(self.secure).same_site(
                match same_site {
                    SameSite::Lax => cookie::SameSite::Lax,
                    SameSite::Strict => cookie::SameSite::Strict,
                    SameSite::None => cookie::SameSite::None,
                },
            );
        if let Some(domain) = &self.domain {
            builder = builder.domain(domain.clone());
        }
        builder
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

    fn settings(name: &str, domain: Option<&str>) -> CookieSettings {
        CookieSettings {
            name: name.to_owned(),
            domain: domain.map(str::to_owned),
            secure: true,
            same_site: SameSite::Lax,
        }
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
    fn c39_a_deletion_carries_the_attributes_of_the_cookie() {
        let text = settings("bff", Some("example.com")).clear_session().unwrap();
        let text = text.to_str().unwrap();
        assert!(text.contains("Domain=example.com") && text.contains("Max-Age=0"), "{text}");
        assert_eq!(settings("bff", Some("example.com")).clear_both_forms().len(), 2);
        assert_eq!(settings("bff", None).clear_both_forms().len(), 1);
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
}
