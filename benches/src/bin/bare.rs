//! The bare hyper endpoint on one thread: `bare LISTEN`; with `--floor REDIS KEY` it makes one Redis
//! round trip for each request.

use std::net::SocketAddr;

use anyhow::Context as _;
use benches::floor::Floor;
use benches::{bare, resp};
use tikv_jemallocator::Jemalloc;
use tokio::runtime::Builder;
use tokio::task::LocalSet;

/// As in the program under test, so that both are alike in everything but their work.
#[global_allocator]
static MEMORY: Jemalloc = Jemalloc;

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let listen: SocketAddr = arguments.next().context("LISTEN is missing")?.parse()?;
    let floor = match arguments.next().as_deref() {
        None => None,
        Some("--floor") => {
            let redis: SocketAddr = arguments.next().context("REDIS is missing")?.parse()?;
            Some((redis, arguments.next().context("KEY is missing")?))
        }
        Some(_) => anyhow::bail!("usage: bare LISTEN [--floor REDIS KEY]"),
    };
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let serve = async {
        let listener = shell::listen::bind(listen, false)?;
        let Some((redis, key)) = floor else { return bare::serve(listener, || async {}).await };
        let mut command = Vec::new();
        resp::encode(&mut command, &[b"HGET", key.as_bytes(), b"e"]);
        let floor = Floor::connect(redis, command).await?;
        bare::serve(listener, move || {
            let floor = floor.clone();
            async move { floor.ask().await }
        })
        .await
    };
    LocalSet::new().block_on(&runtime, serve)?;
    Ok(())
}
