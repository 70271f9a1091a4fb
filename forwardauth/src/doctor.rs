//! Owns: `forwardauth doctor`: asks a live Traefik as an attacker would, and says what to repair. It runs beside
//! the service, needs none of its configuration and shares nothing with it.
//!
//! `wire` has the bounds that keep it safe in production; `site` asks what everything else is compared with;
//! each file of `checks` asks one kind of question, `admin` reads what Traefik says of itself, and `report` tells what
//! came of them.

mod admin;
mod answer;
mod ask;
mod catalogue;
mod checks;
mod finding;
mod names;
mod report;
mod site;
mod wire;

use http::Uri;
use secrecy::{ExposeSecret as _, SecretString};

use site::{Plan, Site};
use wire::{Place, Wire};

pub use catalogue::markdown;
pub use report::Report;
pub use wire::{CaError, REQUESTS_MAX};

/// How the doctor calls itself.
pub const USER_AGENT: &str = concat!("wicketgate-doctor/", env!("CARGO_PKG_VERSION"));

/// What to examine.
#[derive(Debug)]
pub struct Subject {
    /// A page behind `ForwardAuth`.
    pub url: Uri,
    /// `host:port` to connect to, in place of the URL's.
    pub connect: Option<String>,
    /// `host:port` where plain HTTP is asked.
    pub plain: Option<String>,
    /// Paths of services that answer with the headers of their request.
    pub echoes: Vec<String>,
    /// Traefik's API, which says how it is configured.
    pub admin: Option<Uri>,
    /// A `Cookie` header, `name=value`, with the session of a test user.
    pub cookie: Option<SecretString>,
    /// What the test user's browser calls itself.
    pub user_agent: Option<String>,
    /// An authority in PEM that is trusted beside the system's.
    pub ca: Option<Vec<u8>>,
}

/// Why nothing was examined.
#[derive(Debug, thiserror::Error)]
pub enum DoctorError {
    /// What was asked for makes no sense.
    #[error("{0}")]
    Usage(&'static str),
    /// The certificate authority cannot be used.
    #[error(transparent)]
    Ca(#[from] CaError),
    /// Nobody answers.
    #[error("{url}: {reason}")]
    Away {
        /// What was asked for.
        url: String,
        /// Why there was no answer.
        reason: String,
    },
}

/// Examines `subject`, with at most [`REQUESTS_MAX`] requests by methods that change nothing, in at most two
/// minutes. What gets no answer on the way is unknown in the report.
///
/// # Errors
/// [`DoctorError`].
///
/// # Cancel safety
/// It can be dropped at any time.
pub async fn examine(subject: Subject) -> Result<Report, DoctorError> {
    let url = subject.url.to_string();
    let wire = Wire::new(subject.ca.as_deref())?;
    let admin = match &subject.admin {
        Some(url) => Some(admin::place(url).ok_or(DoctorError::Usage(
            "--admin is no address of Traefik's API: http://host:port",
        ))?),
        None => None,
    };
    let plan = plan(subject, wire)?;
    let site = Box::pin(Site::open(plan)).await;
    let site = site
        .map_err(|failure| DoctorError::Away { url: url.clone(), reason: failure.to_string() })?;
    let mut findings = Box::pin(checks::ask(&site)).await;
    if let Some(place) = admin {
        findings.extend(admin::ask(&site.wire, &place, &site.user_agent).await);
    }
    Ok(Report { url, requests: site.wire.asked(), findings })
}

fn plan(subject: Subject, wire: Wire) -> Result<Plan, DoctorError> {
    let Subject { url, connect, plain, echoes, cookie, user_agent, .. } = subject;
    let usage = DoctorError::Usage;
    let address = "URL is no address of a page: https://host[:port]/path";
    let secure = match url.scheme_str() {
        Some("https") => true,
        Some("http") => false,
        _ => return Err(usage(address)),
    };
    let authority = url.authority().ok_or(usage(address))?;
    if authority.as_str().contains('@') {
        return Err(usage(address));
    }
    if echoes.iter().any(|echo| !is_path(echo)) {
        return Err(usage("--echo is no path: it begins with / and has no spaces"));
    }
    let is_header = |text: &str| !text.chars().any(char::is_control);
    let is_cookie = |text: &SecretString| {
        let text = text.expose_secret();
        text.contains('=') && is_header(text)
    };
    if !cookie.as_ref().is_none_or(is_cookie) {
        return Err(usage("--cookie-file holds no cookie: one line, name=value"));
    }
    if !user_agent.as_deref().is_none_or(is_header) {
        return Err(usage("--user-agent is not what a header may hold"));
    }
    if cookie.is_some() && user_agent.is_none() {
        return Err(usage(
            "--user-agent is missing: sessions are bound to their browser, and under another name than \
             that of the browser that signed in verify ends this one",
        ));
    }
    let host = authority.host().trim_matches(['[', ']']).to_ascii_lowercase();
    let port = url.port_u16().unwrap_or(if secure { 443 } else { 80 });
    let address = connect.clone().unwrap_or_else(|| format!("{}:{port}", authority.host()));
    let machine = address.rsplit_once(':').map_or(address.as_str(), |(machine, _)| machine);
    let usual = (secure && port == 443).then(|| format!("{machine}:80"));
    let plain = plain.or(usual).map(|address| Place {
        host: host.clone(),
        authority: authority.host().to_owned(),
        address,
        secure: false,
    });
    let user_agent = user_agent
        .map_or_else(|| USER_AGENT.to_owned(), |browser| format!("{browser} {USER_AGENT}"));
    let page = url.path_and_query().map_or("/", |target| target.as_str()).to_owned();
    let place = Place { host, authority: authority.as_str().to_owned(), address, secure };
    Ok(Plan { wire, place, plain, page, echoes, user_agent, cookie })
}

fn is_path(text: &str) -> bool {
    text.starts_with('/') && text.bytes().all(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests;
