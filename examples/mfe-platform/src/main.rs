//! The services and the pages of the example, in one process, on loopback.

use std::net::{Ipv4Addr, SocketAddr};

use anyhow::Context as _;
use clap::Parser;
use mfe_platform::{Audit, Gateway, Listeners};
use tokio::net::TcpListener;

/// Four services and the pages that call them. README.md says what stands before them.
#[derive(Parser)]
#[command(name = "mfe-platform", version)]
struct Cli {
    /// `BFF_CONTEXT_ISSUER` of the gateway.
    #[arg(long, default_value = "https://gateway.example.com")]
    issuer: String,
    /// Where `bff` publishes its keys.
    #[arg(long, default_value = "http://127.0.0.1:8000/.well-known/jwks.json")]
    keys: String,
    /// The first of five ports on loopback: payments, admin, profile, façade, pages.
    #[arg(long, default_value_t = 7001)]
    port: u16,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let Cli { issuer, keys, port } = Cli::parse();
    let bind = async |offset: u16| {
        let port = port.checked_add(offset).context("--port is too high")?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        TcpListener::bind(address).await.with_context(|| address.to_string())
    };
    let listeners = Listeners {
        payments: bind(0).await?,
        admin: bind(1).await?,
        profile: bind(2).await?,
        facade: bind(3).await?,
        pages: bind(4).await?,
    };
    let gateway = Gateway { issuer, keys };
    mfe_platform::serve(&gateway, listeners, Audit::new(std::io::stdout())).await
}
