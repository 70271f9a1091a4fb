//! Owns: what is told of each thread's cache, once a second.

use std::time::Duration;

use metrics::{Counter, Gauge, counter, gauge};
use session::tracking::{Stats, TrackedEdges};

const PERIOD: Duration = Duration::from_secs(1);

/// Handles of one thread's cache.
pub(crate) struct CacheMetrics {
    hits: Counter,
    misses: Counter,
    invalidations: Counter,
    flushes: Counter,
    entries: Gauge,
    live: Gauge,
    max_staleness: Gauge,
}

impl CacheMetrics {
    /// Those of the cache of `thread`.
    pub(crate) fn of(thread: &str) -> Self {
        let thread = thread.to_owned();
        Self {
            hits: counter!("forwardauth_cache_requests_total", "result" => "hit"),
            misses: counter!("forwardauth_cache_requests_total", "result" => "miss"),
            invalidations: counter!("forwardauth_cache_invalidations_total"),
            flushes: counter!("forwardauth_cache_flushes_total"),
            entries: gauge!("forwardauth_cache_entries", "thread" => thread.clone()),
            live: gauge!("forwardauth_cache_live", "thread" => thread.clone()),
            max_staleness: gauge!("forwardauth_cache_max_staleness_seconds", "thread" => thread),
        }
    }

    /// Tells of `cache` for ever.
    pub(crate) async fn follow(self, cache: TrackedEdges) {
        let mut tick = tokio::time::interval(PERIOD);
        loop {
            tick.tick().await;
            self.tell(cache.take_stats());
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "a cache holds fewer than 2^52 views")]
    fn tell(&self, stats: Stats) {
        self.hits.increment(stats.hits);
        self.misses.increment(stats.misses);
        self.invalidations.increment(stats.invalidations);
        self.flushes.increment(stats.flushes);
        self.entries.set(stats.entries as f64);
        self.live.set(f64::from(u8::from(stats.live)));
        self.max_staleness.set(stats.max_staleness.as_secs_f64());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dashboards_find_their_names() {
        let recorder = metrics_exporter_prometheus::PrometheusBuilder::new().build_recorder();
        metrics::with_local_recorder(&recorder, || {
            let stats = Stats {
                hits: 9,
                misses: 1,
                invalidations: 2,
                flushes: 3,
                max_staleness: Duration::from_millis(120),
                entries: 4,
                live: true,
            };
            CacheMetrics::of("verify-1").tell(stats);
        });
        let text = recorder.handle().render();
        for line in [
            r#"forwardauth_cache_requests_total{result="hit"} 9"#,
            r#"forwardauth_cache_requests_total{result="miss"} 1"#,
            "forwardauth_cache_invalidations_total 2",
            "forwardauth_cache_flushes_total 3",
            r#"forwardauth_cache_entries{thread="verify-1"} 4"#,
            r#"forwardauth_cache_live{thread="verify-1"} 1"#,
            r#"forwardauth_cache_max_staleness_seconds{thread="verify-1"} 0.12"#,
        ] {
            assert!(text.contains(line), "{line}\n{text}");
        }
    }
}
