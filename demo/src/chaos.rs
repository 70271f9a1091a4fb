//! Owns: the demo with parts that can be taken away (`--chaos`): a process for each, two of `bff` and of
//! verify, lines between them, and a page of buttons.
//!
//! The edge, the page and the lines stay in the process that was started. Everything listens on loopback.

mod control;
mod line;
mod part;
mod process;
mod stage;

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use shell::shutdown::Shutdown;
use tempfile::TempDir;

use crate::compose::{self, Demo};
use crate::settings::{Agreement, BFF_FILE, routes};
use crate::{edge, spa};

use line::Line;
pub(crate) use part::{PartArguments, run};
use process::{Process, Role};
use stage::{Part, Stage};

/// Every second a page asks more often than a person does.
const NO_LIMITS: &str = "  session: off\n  proxy: off\n";

/// The file in which a part finds what it needs to know.
const HANDED: &str = "handed.json";

/// What every part is told.
#[derive(Debug, Serialize, Deserialize)]
struct Handed {
    agreement: Agreement,
    /// Where callers reach the orders service.
    orders: SocketAddr,
}

/// The parts, for as long as they are to run.
#[derive(Debug)]
pub(crate) struct Chaos(
    #[expect(dead_code, reason = "ends its processes when dropped")] Arc<Stage>,
);

/// Starts everything, what others ask first.
pub(crate) async fn start(port: u16, shutdown: &Shutdown) -> anyhow::Result<Demo> {
    let idp_port = port.checked_add(1).context("DEMO_PORT is the last port there is")?;
    let files = TempDir::with_prefix("wicketgate-demo-").context("cannot make a directory")?;
    let directory = files.path();

    let redis = Process::new(Role::Redis, directory)?;
    let to_redis = Line::open(0, &[redis.address()], shutdown)?;
    let url = format!("redis://{}", to_redis.address());
    let agreement = Agreement::fresh(port, idp_port, Some(&url))?;
    let idp = Process::new(Role::Idp, directory)?;
    let to_idp = Line::open(idp_port, &[idp.address()], shutdown)?;
    let orders = Process::new(Role::Orders, directory)?;
    let to_orders = Line::open(0, &[orders.address()], shutdown)?;
    let whoami = Process::new(Role::Whoami, directory)?;
    let to_whoami = Line::open(0, &[whoami.address()], shutdown)?;
    write(directory, &agreement, to_orders.address())?;

    let bffs = [Process::new(Role::Bff, directory)?, Process::new(Role::Bff, directory)?];
    let admin = bffs[0].admin();
    let to_bff = Line::open(0, &bffs.each_ref().map(Process::address), shutdown)?;
    let verifies =
        [Process::new(Role::Forwardauth, directory)?, Process::new(Role::Forwardauth, directory)?];
    let to_verify = Line::open(0, &verifies.each_ref().map(Process::address), shutdown)?;

    let ([bff_1, bff_2], [verify_1, verify_2]) = (bffs, verifies);
    let (bff, forwardauth, whoami_address) =
        (to_bff.address(), to_verify.address(), to_whoami.address());
    let stage = Stage::new(vec![
        Part::new("redis", "Redis", redis, to_redis, 0),
        Part::new("idp", "The identity provider", idp, to_idp, 0),
        Part::new("orders", "The orders service, behind bff", orders, to_orders, 0),
        Part::new("whoami", "The service behind forwardauth", whoami, to_whoami, 0),
        Part::new("bff-1", "bff, first replica", bff_1, to_bff.clone(), 0),
        Part::new("bff-2", "bff, second replica", bff_2, to_bff, 1),
        Part::new("forwardauth-1", "forwardauth, first replica", verify_1, to_verify.clone(), 0),
        Part::new("forwardauth-2", "forwardauth, second replica", verify_2, to_verify, 1),
    ]);
    stage.start().await?;

    let page = compose::service(shutdown, "the buttons", {
        let (stage, public) = (Arc::clone(&stage), agreement.public.clone());
        move |listener, end| control::serve(listener, stage, public, end)
    })?;
    let spa = compose::service(shutdown, "the SPA", spa::serve)?;
    let parts = edge::Routes { bff, forwardauth, whoami: whoami_address, spa, chaos: Some(page) };
    let served = edge::serve(compose::bind(port)?, parts, compose::ended(shutdown));
    compose::spawn(shutdown, "the edge", served);
    Ok(Demo {
        public: agreement.public,
        issuer: agreement.issuer,
        admin,
        traefik: None,
        redis: true,
        chaos: Some(Chaos(stage)),
        files,
    })
}

/// What the parts read when they start.
fn write(directory: &Path, agreement: &Agreement, orders: SocketAddr) -> anyhow::Result<()> {
    let handed = Handed { agreement: agreement.clone(), orders };
    let bff_file = BFF_FILE.replacen("rate_limits:\n", &format!("rate_limits:\n{NO_LIMITS}"), 1);
    for (name, text) in [
        (HANDED, serde_json::to_string(&handed)?),
        ("routes.yaml", routes(orders)),
        ("bff.yaml", bff_file),
    ] {
        // The directory is nobody else's.
        fs::write(directory.join(name), text).with_context(|| format!("cannot write {name}"))?;
    }
    Ok(())
}
