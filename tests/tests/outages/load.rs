//! Requests at a steady rate, whatever became of those before.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, interval_at};

use crate::client::{Client, Seen};

/// How often each client sends.
const PERIOD: Duration = Duration::from_millis(100);

/// Requests that go on until they are stopped.
pub(crate) struct Load {
    stop: Arc<AtomicBool>,
    clients: JoinSet<Vec<Seen>>,
}

impl Load {
    /// Lets each client send once in [`PERIOD`], not all in the same moment.
    pub(crate) fn start(clients: &[Arc<Client>]) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let all = u32::try_from(clients.len()).expect("a few");
        let mut running = JoinSet::new();
        for (number, client) in (0..).zip(clients.iter().cloned()) {
            let stop = Arc::clone(&stop);
            let first = Instant::now() + PERIOD * number / all;
            running.spawn(async move {
                let mut tick = interval_at(first, PERIOD);
                let mut requests = JoinSet::new();
                for turn in 0.. {
                    tick.tick().await;
                    if stop.load(Ordering::Relaxed) {
                        break;
                    }
                    let client = Arc::clone(&client);
                    requests.spawn(async move { client.ask(turn).await });
                }
                requests.join_all().await
            });
        }
        Self { stop, clients: running }
    }

    /// Sends nothing more, and returns every answer in the order of sending.
    pub(crate) async fn stop(self) -> Vec<Seen> {
        self.stop.store(true, Ordering::Relaxed);
        let mut seen = self.clients.join_all().await.concat();
        seen.sort_by_key(|seen| seen.sent);
        seen
    }
}
