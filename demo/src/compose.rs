//! Owns: starting every part and connecting them.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use anyhow::Context as _;
use bff_core::active_sessions;
use bff_core::app::App;
use bff_core::config::Config as BffConfig;
use bff_core::server;
use forwardauth::Verify;
use forwardauth::config::{Config as VerifyConfig, Embedding};
use session::any::AnyStore;
use shell::admin::Admin;
use shell::clock::SystemClock;
use shell::config::Settings;
use shell::listen::{self, Limits};
use shell::random::SystemRandom;
use shell::shutdown::Shutdown;
use shell::telemetry::Metrics;
use shell::tls::Tls;
use tempfile::TempDir;
use tokio::net::TcpListener;

use crate::chaos::Chaos;
use crate::settings::{AUDIENCE, Agreement, BFF_FILE, routes};
use crate::traefik::Traefik;
use crate::trust::{self, Trust};
use crate::{Cli, chaos, edge, idp, orders, spa, whoami};

/// The running demo.
#[derive(Debug)]
pub(crate) struct Demo {
    /// Where people open it.
    pub(crate) public: String,
    /// Where its IdP is.
    pub(crate) issuer: String,
    /// What operators ask.
    pub(crate) admin: SocketAddr,
    /// Whether a real Traefik stands before it.
    pub(crate) traefik: Option<Traefik>,
    /// Whether sessions are in a real Redis.
    pub(crate) redis: bool,
    /// Whether its parts can be taken away, and the parts for as long as they are to run.
    pub(crate) chaos: Option<Chaos>,
    /// Holds the configuration files for as long as the demo runs.
    #[expect(dead_code, reason = "removes the directory when dropped")]
    pub(crate) files: TempDir,
}

impl Demo {
    /// Waits until the demo is told to stop, or its Traefik dies.
    pub(crate) async fn end(self, shutdown: &Shutdown) -> anyhow::Result<()> {
        match self.traefik {
            None => {
                shutdown.begun().await;
                Ok(())
            }
            Some(traefik) => traefik.until(shutdown).await,
        }
    }
}

/// Starts everything, what others ask first.
pub(crate) async fn start(cli: &Cli, shutdown: &Shutdown) -> anyhow::Result<Demo> {
    if cli.chaos {
        return chaos::start(cli.port, shutdown).await;
    }
    let idp_port = cli.port.checked_add(1).context("DEMO_PORT is the last port there is")?;
    let agreement = Agreement::fresh(cli.port, idp_port, cli.redis.as_deref())?;
    let files = TempDir::with_prefix("wicketgate-demo-").context("cannot make a directory")?;

    let idp_listener = bind(idp_port)?;
    spawn(shutdown, "the IdP", idp::serve(idp_listener, agreement.idp(), ended(shutdown)));
    let orders = service(shutdown, "the orders service", {
        let issuer = agreement.issuer.clone();
        |listener, end| async move {
            let origin = format!("http://{}", listener.local_addr()?);
            orders::serve(listener, &issuer, AUDIENCE, &origin, end).await
        }
    })?;
    fs::write(files.path().join("routes.yaml"), routes(orders)).context("cannot write routes")?;
    fs::write(files.path().join("bff.yaml"), BFF_FILE).context("cannot write bff.yaml")?;

    let trust = cli.traefik.is_some().then(|| trust::make(files.path())).transpose()?;
    let (bff_config, verify_config) = configs(&agreement.settings(files.path())?, trust.as_ref())?;
    let store = bff_config.store.clone().open().await.context("cannot use Redis")?;
    let (bff, admin) = bff(bff_config, store.clone(), [bind(0)?, bind(0)?], shutdown)?;
    let parts = edge::Routes {
        bff,
        forwardauth: verify(&verify_config, store, bind(0)?, shutdown)?,
        whoami: service(shutdown, "whoami", whoami::serve)?,
        spa: service(shutdown, "the SPA", spa::serve)?,
        chaos: None,
    };
    let traefik = if let (Some(binary), Some(trust)) = (&cli.traefik, &trust) {
        Some(Traefik::start(binary, cli.port, parts, &trust.authority, files.path())?)
    } else {
        let listener = bind(cli.port)?;
        spawn(shutdown, "the edge", edge::serve(listener, parts, ended(shutdown)));
        None
    };
    Ok(Demo {
        public: agreement.public,
        issuer: agreement.issuer,
        admin,
        traefik,
        redis: cli.redis.is_some(),
        chaos: None,
        files,
    })
}

/// Verify speaks TLS where Traefik asks it: over HTTP/2 one connection is enough for all requests.
pub(crate) fn configs(
    settings: &Settings,
    trust: Option<&Trust>,
) -> anyhow::Result<(BffConfig, VerifyConfig)> {
    let mut for_bff = settings.clone();
    let bff = BffConfig::read(&mut for_bff, true);
    let (bff, _) = for_bff.finish(bff)?;
    let certificate = trust.iter().flat_map(|trust| {
        [
            ("FORWARDAUTH_TLS_CERT", trust.certificate.as_str()),
            ("FORWARDAUTH_TLS_KEY", trust.key.as_str()),
        ]
    });
    let mut for_verify = settings.clone().with_defaults(certificate);
    let verify = VerifyConfig::from_settings(&mut for_verify, Embedding::Composed);
    let (verify, _) = for_verify.finish(verify)?;
    Ok((bff, verify))
}

/// Where it answers browsers, and where operators. Verify counts with it, in the same process.
pub(crate) fn bff(
    config: BffConfig,
    store: AnyStore,
    [listener, admin_listener]: [TcpListener; 2],
    shutdown: &Shutdown,
) -> anyhow::Result<(SocketAddr, SocketAddr)> {
    let lists = [bff_core::metrics::METRICS, forwardauth::METRICS];
    let metrics = Metrics::install(&lists).context("cannot count")?;
    bff_core::metrics::program_started();
    drop(tokio::spawn(metrics.clone().upkeep()));
    let admin = Admin { metrics: Some(metrics), shutdown: shutdown.clone() };
    let (clock, random) = (Arc::new(SystemClock), Arc::new(SystemRandom));
    let app = App::new(config, store, clock, random, shutdown.clone())?;
    let addresses = (listener.local_addr()?, admin_listener.local_addr()?);
    active_sessions::start(&app);
    drop(tokio::spawn(server::serve_admin(Arc::clone(&app), admin, admin_listener)));
    drop(tokio::spawn(server::serve(app, listener)));
    Ok(addresses)
}

/// Where it answers the edge.
pub(crate) fn verify(
    config: &VerifyConfig,
    store: AnyStore,
    listener: TcpListener,
    shutdown: &Shutdown,
) -> anyhow::Result<SocketAddr> {
    let verify = Verify::new(config, store, Arc::new(SystemClock), Arc::new(SystemRandom));
    let address = listener.local_addr()?;
    let (tls, shutdown) = (config.tls.as_ref().map(Tls::config), shutdown.clone());
    drop(tokio::spawn(async move {
        verify.serve(listener, tls, Limits::default(), shutdown).await;
    }));
    Ok(address)
}

pub(crate) fn service<F>(
    shutdown: &Shutdown,
    name: &'static str,
    serve: impl FnOnce(TcpListener, Ended) -> F,
) -> anyhow::Result<SocketAddr>
where
    F: Future<Output = std::io::Result<()>> + Send + 'static,
{
    let listener = bind(0)?;
    let address = listener.local_addr()?;
    spawn(shutdown, name, serve(listener, ended(shutdown)));
    Ok(address)
}

pub(crate) fn bind(port: u16) -> anyhow::Result<TcpListener> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    listen::bind(address, false).with_context(|| {
        format!(
            "cannot listen on {address}; set DEMO_PORT to a port that is free, with the next one"
        )
    })
}

/// A part that fails takes the demo with it: half a demo explains nothing.
pub(crate) fn spawn(
    shutdown: &Shutdown,
    name: &'static str,
    part: impl Future<Output = std::io::Result<()>> + Send + 'static,
) {
    let end = shutdown.clone();
    shutdown.spawn(async move {
        if let Err(error) = part.await {
            tracing::error!(%error, "{name} failed");
            end.begin();
        }
    });
}

pub(crate) type Ended = std::pin::Pin<Box<dyn Future<Output = ()> + Send>>;

pub(crate) fn ended(shutdown: &Shutdown) -> Ended {
    let shutdown = shutdown.clone();
    Box::pin(async move { shutdown.begun().await })
}
