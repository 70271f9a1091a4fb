//! The bare hyper endpoint, on one thread.

use std::net::SocketAddr;

use benches::bare;
use tokio::runtime::Builder;
use tokio::task::LocalSet;

fn main() -> anyhow::Result<()> {
    let listen: SocketAddr = std::env::args().nth(1).unwrap_or_default().parse()?;
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let serve = async {
        let listener = shell::listen::bind(listen, false)?;
        bare::serve(listener, || async {}).await
    };
    LocalSet::new().block_on(&runtime, serve)?;
    Ok(())
}
