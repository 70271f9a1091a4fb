//! A worked example: four services of a platform of micro frontends, behind Traefik and Wicketgate, and the pages
//! that call them.
//!
//! The gateway decides by its routes who may call what (`gateway/routes.yaml`, `gateway/forwardauth.yaml`). Each service
//! decides again, by the context token that the gateway minted for it and for nobody else: who reaches a service past
//! the gateway, or finds a hole in a route, gets no further. What a service asks stands in the signature of each
//! handler (`roles.rs`).

mod admin;
pub mod audit;
mod facade;
mod pages;
mod payments;
mod profile;
mod roles;

use std::io;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use tokio::net::TcpListener;
use validator_lib::Validator;

pub use audit::Audit;

/// Longest body that a service reads.
const BODY_MAX: usize = 4 * 1024;

/// Whom the services believe.
#[derive(Debug, Clone)]
pub struct Gateway {
    /// `BFF_CONTEXT_ISSUER`.
    pub issuer: String,
    /// Where the gateway publishes its keys: `/.well-known/jwks.json` of `bff`.
    pub keys: String,
}

/// Where the services and the pages listen.
#[derive(Debug)]
pub struct Listeners {
    /// `https://payments.internal`.
    pub payments: TcpListener,
    /// `https://admin.internal`.
    pub admin: TcpListener,
    /// `https://profile.internal`.
    pub profile: TcpListener,
    /// `https://facade.internal`.
    pub facade: TcpListener,
    /// The pages, for everybody.
    pub pages: TcpListener,
}

/// Serves until one of the listeners fails.
///
/// # Errors
/// If the gateway's keys cannot be had, or a listener fails.
///
/// # Cancel safety
/// Dropped, it takes the listeners along; nothing else is left behind.
pub async fn serve(gateway: &Gateway, listeners: Listeners, audit: Audit) -> anyhow::Result<()> {
    let payments = payments::router(validator(gateway, "https://payments.internal").await?);
    let admin = admin::router(validator(gateway, "https://admin.internal").await?, audit);
    let profile = profile::router(validator(gateway, "https://profile.internal").await?);
    let facade = facade::router(validator(gateway, "https://facade.internal").await?);
    tokio::try_join!(
        run(listeners.payments, payments),
        run(listeners.admin, admin),
        run(listeners.profile, profile),
        run(listeners.facade, facade),
        run(listeners.pages, pages::router()),
    )?;
    Ok(())
}

/// Takes context tokens of the gateway for `audience`, and nothing else.
async fn validator(gateway: &Gateway, audience: &str) -> anyhow::Result<Validator> {
    let asked = Validator::context(&gateway.issuer, audience).keys_at(&gateway.keys);
    Ok(asked.await?)
}

async fn run(listener: TcpListener, router: Router) -> io::Result<()> {
    axum::serve(listener, router.layer(DefaultBodyLimit::max(BODY_MAX))).await
}
