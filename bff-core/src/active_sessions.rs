//! Owns: telling, off the path of every request, about how many sessions there are (DESIGN section 9).
//!
//! Every replica tells the same of the one store. While the store does not answer, what was told last stands.

use std::sync::Arc;
use std::time::Duration;

use session::any::AnyStore;
use session::store::{Store as _, StoreError};
use shell::random::Random;
use shell::shutdown::Shutdown;

use crate::app::App;
use crate::metrics;

/// Shortest time between two estimates.
const PAUSE: Duration = Duration::from_secs(8);
/// Most that is added at random, so that replicas do not ask all at once.
const JITTER_MS: u16 = 4_000;

/// Asks the store until the process ends, now for the first time.
pub fn start(app: &Arc<App>) {
    let (store, random) = (app.store.clone(), Arc::clone(&app.random));
    app.shutdown.spawn(keep_telling(store, random, app.shutdown.clone()));
}

async fn keep_telling(store: AnyStore, random: Arc<dyn Random>, shutdown: Shutdown) {
    let telling = async {
        let mut warned = false;
        loop {
            match store.estimate_sessions().await {
                Ok(sessions) => metrics::active_sessions(sessions),
                // What lacks a right lacks it every time.
                Err(StoreError::Refused(reason)) if !warned => {
                    warned = true;
                    tracing::warn!(
                        reason,
                        "redis lets nobody estimate sessions: bff_active_sessions_total is not told"
                    );
                }
                // Away or late: whoever waits for the store says so.
                Err(_) => {}
            }
            tokio::time::sleep(pause(&*random)).await;
        }
    };
    tokio::select! {
        () = telling => {}
        () = shutdown.begun() => {}
    }
}

fn pause(random: &dyn Random) -> Duration {
    let more = u16::from_be_bytes(random.bytes()) % JITTER_MS;
    PAUSE + Duration::from_millis(u64::from(more))
}

#[cfg(test)]
mod tests {
    use session::faulty::{Fault, FaultyStore};
    use session::id::SessionId;
    use session::memory::MemoryStore;
    use session::store::StoredSession;
    use shell::random::CountingRandom;

    use super::*;

    async fn sign_in(memory: &MemoryStore, byte: u8) {
        let part = || "x".into();
        let session =
            StoredSession { edge: part(), tokens: part(), management: part(), version: 1 };
        let key = SessionId::from_random([byte; 32]).store_key();
        assert_eq!(memory.create(&key, session, Duration::from_mins(9)).await, Ok(true));
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_told_last_stands_while_the_store_is_away_and_the_task_ends_with_the_process()
    {
        let recorder = metrics_exporter_prometheus::PrometheusBuilder::new().build_recorder();
        let handle = recorder.handle();
        let _recorder = ::metrics::set_default_local_recorder(&recorder);
        let gauge =
            |value: u8| handle.render().contains(&format!("\nbff_active_sessions_total {value}\n"));

        let memory = MemoryStore::new();
        let store = FaultyStore::over(memory.clone());
        store.fail("estimate_sessions", Fault::Away, 2);
        let shutdown = Shutdown::new();
        let random = Arc::new(CountingRandom::default());
        shutdown.spawn(keep_telling(AnyStore::Faulty(store.clone()), random, shutdown.clone()));
        // What one call brought is told when the next one begins.
        let called = async |times| assert!(store.called("estimate_sessions", times).await);
        called(1).await;
        called(2).await;
        assert!(!handle.render().contains("bff_active_sessions_total"), "told without an answer");

        sign_in(&memory, 1).await;
        called(3).await;
        called(4).await;
        assert!(gauge(1), "{}", handle.render());

        sign_in(&memory, 2).await;
        store.fail("estimate_sessions", Fault::AnswerLost, 2);
        called(5).await;
        called(6).await;
        assert!(gauge(1), "{}", handle.render());
        called(7).await;
        called(8).await;
        assert!(gauge(2), "{}", handle.render());

        shutdown.begin();
        assert!(shutdown.drained(Duration::from_secs(1)).await);
    }

    #[test]
    fn replicas_ask_at_different_times_and_every_ten_seconds_or_so() {
        struct Same(u8);
        impl Random for Same {
            fn fill(&self, out: &mut [u8]) {
                out.fill(self.0);
            }
        }
        assert_eq!(pause(&Same(0)), Duration::from_secs(8));
        assert_ne!(pause(&Same(255)), pause(&Same(0)));
        for byte in 0..=u8::MAX {
            assert!(pause(&Same(byte)) < Duration::from_secs(12));
        }
    }
}
