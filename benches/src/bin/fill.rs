//! Fills a Redis with sessions for the benchmarks: `fill HOST:PORT COUNT`. Prints the edge keys.

use anyhow::Context as _;
use benches::sessions;

#[expect(clippy::print_stdout, reason = "the result is the output")]
fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let address = arguments.next().context("HOST:PORT is missing")?;
    let count = arguments.next().context("COUNT is missing")?.parse()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(sessions::load(&address, "bff:", count))?;
    println!("{}", sessions::edge_keys_setting());
    Ok(())
}
