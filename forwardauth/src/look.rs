//! Owns: looking at everything that the settings name (`check-config --online`): Redis, the BFF, a central
//! login, the keys of bearer tokens' issuers. All at once, within seconds. Nothing is changed anywhere, and
//! nobody is shown a secret but Redis its password.

use http::Uri;
use rustls::pki_types::ServerName;
use session::redis::Uses;
use shell::check::Findings;
use shell::reach::Peer;
use tokio::runtime::Builder;

use crate::config::{BffSettings, Config};
use crate::login::LoginUrl;

/// Looks, on a runtime of its own. `now` is in seconds since the epoch.
pub fn look(config: &Config, now: u64) -> Findings {
    match Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime.block_on(all(config, now)),
        Err(error) => {
            let mut findings = Findings::default();
            findings.problem("--online", &format!("cannot start ({error})"), "Check the limits.");
            findings
        }
    }
}

async fn all(config: &Config, now: u64) -> Findings {
    let verify = &config.verify;
    let (store, bff, login, keys) = tokio::join!(
        config.store.look(Uses::Verify, now),
        bff(verify.bff.as_ref(), now),
        login(&verify.login_url),
        verify.bearer.look(now),
    );
    store.and(bff).and(login).and(keys)
}

async fn bff(settings: Option<&BffSettings>, now: u64) -> Findings {
    let mut findings = Findings::default();
    if let Some(BffSettings { endpoint, tls, .. }) = settings
        && let Some(mut peer) = peer(endpoint)
    {
        let name = ServerName::try_from(peer.host.clone()).ok();
        let is_https = endpoint.scheme_str() == Some("https");
        peer.tls = name.filter(|_| is_https).map(|name| (tls.clone(), name));
        peer.look("FORWARDAUTH_BFF_URL", "the BFF", now, &mut findings).await;
    }
    findings
}

/// Browsers go there, and not we: that it cannot be reached from here may be right.
async fn login(url: &LoginUrl) -> Findings {
    let mut findings = Findings::default();
    if let Some(peer) = url.central().and_then(|url| peer(&url)) {
        match peer.reach().await {
            Ok(_) => findings.reached(format!("the login at {peer}")),
            Err(error) => {
                let warning = format!("leads to {peer}, which this host does not reach: {error}");
                findings.warn("FORWARDAUTH_LOGIN_URL", &warning, "See that browsers do.");
            }
        }
    }
    findings
}

/// Plain TCP to where `url` is.
fn peer(url: &Uri) -> Option<Peer> {
    let host = url.host()?.trim_start_matches('[').trim_end_matches(']').to_owned();
    let port = match url.scheme_str() {
        Some("https") => 443,
        _ => 80,
    };
    Some(Peer { host, port: url.port_u16().unwrap_or(port), tls: None })
}
