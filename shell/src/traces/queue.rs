//! Owns: spans that wait to be exported: so many and no more, and a count of those that found no place. Nobody
//! waits for a place.

use std::sync::{Mutex, MutexGuard, PoisonError};

use metrics::counter;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::span::Record;
use crate::metrics::{OTEL_SPANS_DROPPED, OTEL_SPANS_EXPORTED};

/// Most spans of one request to the collector.
pub(super) const BATCH: usize = 512;

/// Spans of all threads, for the one that exports them.
#[derive(Debug)]
pub(super) struct Queue {
    spans: Mutex<Vec<Record>>,
    room: usize,
    batch_is_there: Notify,
    end: CancellationToken,
}

impl Queue {
    /// Of at most `room` spans.
    pub(super) fn new(room: usize) -> Self {
        Self {
            spans: Mutex::default(),
            room,
            batch_is_there: Notify::new(),
            end: CancellationToken::new(),
        }
    }

    /// Takes `span`, or drops and counts it.
    pub(super) fn push(&self, span: Record) {
        let mut spans = self.spans();
        let waiting = spans.len();
        if waiting >= self.room || self.end.is_cancelled() {
            drop(spans);
            dropped("queue_full", 1);
            return;
        }
        spans.push(span);
        drop(spans);
        if waiting.saturating_add(1) == BATCH {
            self.batch_is_there.notify_one();
        }
    }

    /// The oldest spans, at most [`BATCH`].
    pub(super) fn batch(&self) -> Vec<Record> {
        let mut spans = self.spans();
        let first = spans.len().min(BATCH);
        spans.drain(..first).collect()
    }

    /// Waits until there is a whole batch.
    pub(super) async fn filled(&self) {
        self.batch_is_there.notified().await;
    }

    /// Takes no more.
    pub(super) fn close(&self) {
        self.end.cancel();
    }

    pub(super) async fn closed(&self) {
        self.end.cancelled().await;
    }

    pub(super) fn is_closed(&self) -> bool {
        self.end.is_cancelled()
    }

    fn spans(&self) -> MutexGuard<'_, Vec<Record>> {
        self.spans.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Counts spans that nobody will see: `queue_full`, `failed`, `rejected` (by the collector), `shutdown`.
pub(super) fn dropped(reason: &'static str, spans: usize) {
    let spans = u64::try_from(spans).unwrap_or(u64::MAX);
    counter!(OTEL_SPANS_DROPPED.name, "reason" => reason).increment(spans);
}

/// Counts spans that the collector has taken.
pub(super) fn exported(spans: usize) {
    let spans = u64::try_from(spans).unwrap_or(u64::MAX);
    counter!(OTEL_SPANS_EXPORTED.name).increment(spans);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t17_what_finds_no_place_is_dropped_and_counted() {
        let recorder = metrics_exporter_prometheus::PrometheusBuilder::new().build_recorder();
        let queue = Queue::new(700);
        metrics::with_local_recorder(&recorder, || {
            for _ in 0..1_000 {
                queue.push(Record::default());
            }
        });
        let sizes = [queue.batch().len(), queue.batch().len(), queue.batch().len()];
        assert_eq!(sizes, [BATCH, 700 - BATCH, 0]);
        let text = recorder.handle().render();
        assert!(text.contains("otel_spans_dropped_total{reason=\"queue_full\"} 300"), "{text}");
    }

    #[tokio::test]
    async fn a_whole_batch_is_told_of() {
        let queue = Queue::new(2 * BATCH);
        for _ in 0..BATCH {
            queue.push(Record::default());
        }
        queue.filled().await;
        queue.close();
        queue.push(Record::default());
        assert_eq!((queue.batch().len(), queue.batch().len()), (BATCH, 0));
    }
}
