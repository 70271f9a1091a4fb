//! Owns: saying how a service is called: by which TLS, how often, when not at all, and with which signature.

use http::Method;

use super::super::{Auth, Route, Service, ServiceToken};
use crate::proxy::upstream::{BreakerSettings, Failure, Retries, ServiceTls};

impl Service {
    /// Whom it is believed to be, and what we show it.
    fn tls(&self) -> String {
        let options = &self.backend.options;
        if !options.is_https {
            return "none: clear text, and no certificate of ours".to_owned();
        }
        let ServiceTls { ca, identity, server_name } = &options.tls;
        let trusted =
            if ca.is_some() { "its own authorities alone" } else { "the system's authorities" };
        let named = server_name.as_ref().map(|name| format!(", as {}", name.to_str()));
        let ours =
            if identity.is_some() { "our certificate is shown" } else { "no certificate of ours" };
        format!("{trusted}{}; {ours}", named.unwrap_or_default())
    }

    /// When it is left alone.
    fn breaker(&self) -> String {
        let BreakerSettings { failures, window, open } = self.backend.options.breaker;
        if failures == 0 {
            return "none".to_owned();
        }
        format!("open for {open:?} after {failures} calls in a row without an answer in {window:?}")
    }

    /// How requests to it are signed.
    fn signature(&self) -> String {
        let Some(seal) = &self.signing.seal else { return "none".to_owned() };
        let (names, most) = (&self.signing.names, seal.max_body);
        let longer = if seal.unsigned_body { "go unsigned" } else { "are 413" };
        format!(
            "{} in {} and {}; bodies beyond {most} bytes {longer}",
            seal.name(),
            names.signature,
            names.timestamp
        )
    }
}

impl Route {
    /// How its service is called with `method`: what is said, and its name.
    pub(super) fn call(&self, method: &Method) -> [(&'static str, String); 6] {
        [
            ("tls", self.service.tls()),
            ("retries", self.retries(method)),
            ("breaker", self.service.breaker()),
            ("signature", self.service.signature()),
            ("streams", self.streams()),
            ("websocket", self.websocket(method).to_owned()),
        ]
    }

    /// When a call with `method` is made again.
    fn retries(&self, method: &Method) -> String {
        let Retries { attempts, on } = &self.service.backend.options.retries;
        if *attempts < 2 || on.is_empty() {
            return "none".to_owned();
        }
        if !method.is_idempotent() {
            return format!("none: {method} is never sent twice");
        }
        let is_signed = self.service.signing.seal.is_some();
        let may_have_proof = self.auth != Auth::None && self.service.token != ServiceToken::None;
        // Services take a signature and a proof once.
        let names: Vec<String> = on.iter().map(|failure| name(*failure)).collect();
        let connects = on.contains(&Failure::Connect);
        let on = match on.as_slice() {
            [Failure::Connect] => "connect".to_owned(),
            _ if is_signed && connects => "connect alone, because it is signed".to_owned(),
            _ if is_signed => {
                return "none: what is signed is sent twice for connect alone".to_owned();
            }
            _ if may_have_proof && connects => {
                format!("{}; with a DPoP proof for connect alone", names.join(", "))
            }
            _ if may_have_proof => format!("{}; not with a DPoP proof", names.join(", ")),
            _ => names.join(", "),
        };
        let has_body = matches!(*method, Method::PUT | Method::DELETE) && !is_signed;
        let body = if has_body { "; not with a body" } else { "" };
        format!("{attempts} attempts in all, for {on}{body}")
    }

    const fn websocket(&self, method: &Method) -> &'static str {
        match (self.websocket, matches!(*method, Method::GET), self.is_of_a_session()) {
            (true, true, true) => "by a handshake with an Origin of ours",
            (true, true, false) => "by a handshake",
            (true, false, _) => "by GET alone",
            (false, ..) => "no: a handshake is 400",
        }
    }

    /// Whether a session may be who calls it.
    const fn is_of_a_session(&self) -> bool {
        matches!(self.auth, Auth::Session | Auth::Hybrid | Auth::Optional)
    }

    /// What streams, and how long.
    fn streams(&self) -> String {
        let request = if self.injection.as_ref().is_some_and(|injection| !injection.json.is_empty())
        {
            "the request is read whole"
        } else if self.service.signing.seal.is_some() {
            "the request is read to be signed"
        } else {
            "the request as it comes"
        };
        let answer = if self.shaping.is_some() {
            "the answer is read whole"
        } else {
            "the answer as it comes"
        };
        let ends = if self.is_of_a_session() { ", no longer than the session" } else { "" };
        format!("{request}; {answer}{ends}")
    }
}

fn name(failure: Failure) -> String {
    match failure {
        Failure::Connect => "connect".to_owned(),
        Failure::Reset => "reset".to_owned(),
        Failure::Status(status) => status.as_u16().to_string(),
        // Nobody can list these.
        Failure::Timeout => "timeout".to_owned(),
        Failure::Nonsense => "nonsense".to_owned(),
    }
}
