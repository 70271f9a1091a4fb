//! Owns: what a process of the demo does that is one part alone.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;
use shell::listen;
use shell::shutdown::Shutdown;
use tokio::net::TcpListener;

use super::process::Role;
use super::{HANDED, Handed};
use crate::settings::AUDIENCE;
use crate::{DRAIN, compose, idp, orders, whoami};

/// How the demo starts itself once more; nobody else does.
#[derive(Debug, Args)]
pub(crate) struct PartArguments {
    #[arg(long = "part", hide = true, requires = "directory")]
    pub(crate) role: Option<Role>,
    #[arg(long, hide = true)]
    directory: Option<PathBuf>,
    #[arg(long, hide = true)]
    listen: Vec<SocketAddr>,
}

/// Is one part until it is told to stop, or the demo has ended.
///
/// # Errors
/// When the part cannot start.
pub(crate) async fn run(role: Role, arguments: &PartArguments) -> anyhow::Result<()> {
    let directory = arguments.directory.as_ref().context("--directory is missing")?;
    let handed = fs::read_to_string(directory.join(HANDED)).context("cannot read what it is")?;
    let Handed { agreement, orders } = serde_json::from_str(&handed)?;
    let [address, admin] = arguments.listen.as_slice() else {
        anyhow::bail!("--listen is given twice");
    };
    let listener = bind(*address)?;
    let shutdown = Shutdown::new();
    shutdown.on_signal().context("cannot listen to signals")?;
    end_with_the_demo(&shutdown);
    let end = compose::ended(&shutdown);
    match role {
        Role::Redis => anyhow::bail!("Redis is a program of its own"),
        Role::Idp => {
            compose::spawn(&shutdown, "the IdP", idp::serve(listener, agreement.idp(), end));
        }
        Role::Orders => compose::spawn(&shutdown, "the orders service", async move {
            let origin = format!("http://{orders}");
            orders::serve(listener, &agreement.issuer, AUDIENCE, &origin, end).await
        }),
        Role::Whoami => compose::spawn(&shutdown, "whoami", whoami::serve(listener, end)),
        Role::Bff | Role::Forwardauth => {
            let (bff, verify) = compose::configs(&agreement.settings(directory)?, None)?;
            let store = bff.store.clone().open().await.context("cannot use Redis")?;
            if role == Role::Bff {
                compose::bff(bff, store, [listener, bind(*admin)?], &shutdown)?;
            } else {
                compose::verify(&verify, store, listener, &shutdown)?;
            }
        }
    }
    shutdown.started();
    shutdown.begun().await;
    shutdown.drained(DRAIN).await;
    Ok(())
}

fn bind(address: SocketAddr) -> anyhow::Result<TcpListener> {
    listen::bind(address, false).with_context(|| format!("cannot listen on {address}"))
}

/// The demo holds the other end of this process's input, and says nothing over it.
fn end_with_the_demo(shutdown: &Shutdown) {
    let shutdown = shutdown.clone();
    // A thread of its own, for a read that nothing ends but the end of the demo.
    drop(std::thread::spawn(move || {
        drop(std::io::copy(&mut std::io::stdin(), &mut std::io::sink()));
        shutdown.begin();
    }));
}
