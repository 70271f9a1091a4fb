//! Owns: one path: what may happen next, what comes of it, and what must hold of all that was shown.

use std::collections::HashSet;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash as _, Hasher as _};
use std::sync::{Arc, Mutex};

use shell::walk::Walk;
use tokio::io::AsyncWriteExt as _;
use tokio::sync::{Semaphore, watch};

use super::redis::Redis;
use super::shop::{Fixed, Served, Shop};
use super::{Event, LIMITS, PREFIX, Plan, READERS, SILENCE, TIMEOUT};
use crate::redis::pipe::{Command, Ends, Pipe, Shared, link};
use crate::tracking::TrackedEdges;

pub(super) struct Path {
    left: Plan,
    shop: Arc<Shop>,
    shared: Arc<Shared>,
    redis: Redis,
    /// What the client did and heard, in its order.
    seen: Vec<Event>,
}

impl Path {
    pub(super) fn begin(plan: Plan, fixed: &Arc<Fixed>) -> Self {
        let tracked = TrackedEdges::new(LIMITS);
        let shared = Arc::new(Shared {
            queue: Mutex::default(),
            up: watch::Sender::new(false),
            session_prefix: PREFIX.to_owned(),
            tracked: Some(tracked.clone()),
        });
        let edge_view = Command::new(3, "HGET", PREFIX, b"\r\n$1\r\ne\r\n");
        let whole = Command::new(5, "HMGET", PREFIX, b"");
        let task = tokio::spawn(async {}).abort_handle();
        let pipe = Pipe(Arc::new(Ends { shared: Arc::clone(&shared), edge_view, whole, task }));
        let shop = Arc::new(Shop {
            fixed: Arc::clone(fixed),
            pipe,
            tracked,
            turns: std::array::from_fn(|_| Semaphore::new(0)),
            log: Mutex::default(),
        });
        for (reader, requests) in plan.requests.into_iter().enumerate() {
            let shop = Arc::clone(&shop);
            drop(tokio::spawn(async move {
                for _ in 0..requests {
                    shop.request(reader).await;
                }
            }));
        }
        Self { left: plan, shop, shared, redis: Redis::new(), seen: Vec::new() }
    }

    pub(super) async fn go(mut self, walk: &mut Walk, known: &mut HashSet<u64>) -> usize {
        self.happens(Event::Connects).await;
        loop {
            if walk.is_new() && !known.insert(self.state()) {
                break;
            }
            let events = self.events();
            match events.as_slice() {
                [] => break,
                [event] => self.happens(*event).await,
                events => self.happens(events[walk.fork(events.len())]).await,
            }
            self.look();
        }
        self.shop.log.lock().unwrap().hits
    }

    fn state(&mut self) -> u64 {
        self.redis.listen();
        let mut hasher = DefaultHasher::new();
        let Redis { heard, says, version, tracks, connection, .. } = &self.redis;
        (self.left, &self.seen).hash(&mut hasher);
        (&heard[..], says, version, tracks, connection.is_some()).hash(&mut hasher);
        hasher.finish()
    }

    fn events(&mut self) -> Vec<Event> {
        self.redis.listen();
        let stands = self.shop.log.lock().unwrap().stands;
        let mut events: Vec<Event> =
            (0..READERS).filter(|reader| stands[*reader]).map(Event::Steps).collect();
        let is_connected = self.redis.connection.is_some();
        let mut may = |event, holds: bool| events.extend(holds.then_some(event));
        may(Event::Executes, !self.redis.heard.is_empty());
        may(Event::Arrives, !self.redis.says.is_empty());
        may(Event::Connects, !is_connected);
        if stands.contains(&true) || is_connected && !self.redis.heard.is_empty() {
            may(Event::Changes, self.left.changes > 0);
            may(Event::Flushes, self.left.flushes > 0);
            may(Event::Breaks, is_connected && self.left.breaks > 0);
            may(Event::Silence, self.left.silences > 0);
        }
        events
    }

    async fn happens(&mut self, event: Event) {
        match event {
            Event::Steps(reader) => self.shop.turns[reader].add_permits(1),
            Event::Executes => self.redis.execute(&self.shop.fixed),
            Event::Changes => {
                self.left.changes -= 1;
                let key = self.shop.fixed.key.to_string();
                let long = PREFIX.len() + key.len();
                self.redis.change(&format!("*1\r\n${long}\r\n{PREFIX}{key}"));
            }
            Event::Flushes => {
                self.left.flushes -= 1;
                self.redis.change("_");
            }
            Event::Arrives => {
                let message = self.redis.says.pop_front().unwrap();
                let connection = self.redis.connection.as_mut().unwrap();
                connection.write_all(&message.wire).await.unwrap();
                let mut log = self.shop.log.lock().unwrap();
                log.told = log.told.max(message.tells);
            }
            Event::Breaks => {
                self.left.breaks -= 1;
                self.redis.connection = None;
                self.redis.heard.clear();
                self.redis.says.clear();
                self.redis.tracks = false;
                self.shop.log.lock().unwrap().down = true;
            }
            Event::Connects => {
                let (ours, theirs) = tokio::io::duplex(64 * 1024);
                self.redis.connection = Some(theirs);
                let shared = Arc::clone(&self.shared);
                drop(tokio::spawn(async move {
                    let (reader, writer) = tokio::io::split(ours);
                    link::live(&shared, reader, writer, TIMEOUT).await
                }));
                let mut log = self.shop.log.lock().unwrap();
                (log.down, log.told) = (false, self.redis.version);
            }
            Event::Silence => {
                self.left.silences -= 1;
                tokio::time::advance(SILENCE).await;
            }
        }
        self.shop.log.lock().unwrap().version = self.redis.version;
        if !matches!(event, Event::Executes | Event::Changes | Event::Flushes) {
            self.seen.push(event);
        }
        for _ in 0..3 {
            tokio::task::yield_now().await;
        }
    }

    /// What must hold of all that was shown.
    fn look(&self) {
        for served in self.shop.log.lock().unwrap().served.drain(..) {
            let Served { version, from_cache, begun, told, current, down } = served;
            let story = || format!("{:?}", self.seen);
            assert!(version >= told, "changed, and told so: {}", story());
            assert!(from_cache || version >= current, "older than its question: {}", story());
            assert!(!(from_cache && down), "nobody vouched: {}", story());
            if let Some(since) = self.redis.since.get(version + 1) {
                let lag = begun.saturating_duration_since(*since);
                assert!(lag <= LIMITS.max_lag, "changed {lag:?} before: {}", story());
            }
        }
    }
}
