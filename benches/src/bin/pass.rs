//! The bare pass-through proxy on one thread: `pass LISTEN UPSTREAM`.

use std::net::SocketAddr;

use anyhow::Context as _;
use benches::pass;
use tikv_jemallocator::Jemalloc;
use tokio::runtime::Builder;
use tokio::task::LocalSet;

#[global_allocator]
static MEMORY: Jemalloc = Jemalloc;

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let mut address = |what: &'static str| -> anyhow::Result<SocketAddr> {
        Ok(arguments.next().context(what)?.parse()?)
    };
    let (listen, upstream) = (address("LISTEN is missing")?, address("UPSTREAM is missing")?);
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let serve = async { pass::serve(shell::listen::bind(listen, false)?, upstream).await };
    LocalSet::new().block_on(&runtime, serve)?;
    Ok(())
}
