//! Reads, changes, messages under way, silence and lost connections in every order: the pipe and the cache
//! that ship, between threads that may stop between any two of their steps, and a Redis that says in one
//! order what it did.
//!
//! What threads share stands behind two locks, and each step here is what one of them covers. So there is
//! nothing between the steps that a thread could see.

use std::collections::hash_map::DefaultHasher;
use std::collections::{HashSet, VecDeque};
use std::hash::{Hash as _, Hasher as _};

use futures_util::FutureExt as _;
use shell::walk::Walk;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};
use tokio::runtime::Builder;
use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::*;
use crate::edge::{AuthenticEdge, EdgeKeys, EdgeView};
use crate::id::SessionId;
use crate::keys::KeyRing;
use crate::tracking::{Limits, TrackedEdges};

const PREFIX: &str = "bff:s:";
const READERS: usize = 2;
const LIMITS: Limits =
    Limits { entries: 4, max_age: Duration::from_secs(5), max_lag: Duration::from_millis(500) };
/// Beyond what a connection may be silent for, and what one that owes an answer is given.
const SILENCE: Duration = Duration::from_millis(600);
const TIMEOUT: Duration = Duration::from_secs(60);

/// What is explored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Plan {
    requests: [usize; READERS],
    changes: usize,
    flushes: usize,
    breaks: usize,
    silences: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Event {
    /// A reader does its next step: looks into the cache, asks, keeps.
    Steps(usize),
    /// Redis does the next command that reached it.
    Executes,
    /// Somebody changes the session.
    Changes,
    Flushes,
    /// What Redis said first is heard.
    Arrives,
    Breaks,
    Connects,
    Silence,
}

/// What Redis says, and which version of the session all know who heard it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Message {
    wire: Vec<u8>,
    tells: usize,
}

struct Redis {
    connection: Option<DuplexStream>,
    heard: BytesMut,
    says: VecDeque<Message>,
    version: usize,
    /// When each version began to be.
    since: Vec<Instant>,
    tracks: bool,
}

/// What stays the same on all paths.
struct Fixed {
    key: StoreKey,
    keys: EdgeKeys,
    views: Vec<Bytes>,
}

impl Fixed {
    fn new() -> Self {
        let key = SessionId::from_random([7; 32]).store_key();
        let keys = EdgeKeys::new(&KeyRing::single("k1", [3; 32]));
        let view = |version| EdgeView { token_version: version, ..EdgeView::default() };
        let views = (0..8).map(|version| keys.seal(&key, &view(version)).unwrap()).collect();
        Self { key, keys, views }
    }
}

/// What the readers share with who lets them go.
struct Shop {
    fixed: Arc<Fixed>,
    pipe: Pipe,
    tracked: TrackedEdges,
    turns: [Semaphore; READERS],
    log: Mutex<Log>,
}

#[derive(Default)]
struct Log {
    /// Readers that wait for their turn.
    stands: [bool; READERS],
    served: Vec<Served>,
    /// The version that the client was told of, or that was there when it connected.
    told: usize,
    version: usize,
    down: bool,
    hits: usize,
}

struct Served {
    /// Of what was shown.
    version: usize,
    from_cache: bool,
    /// When the request began: the time, and which version the client knew of and Redis had.
    begun: Instant,
    told: usize,
    current: usize,
    down: bool,
}

impl Shop {
    async fn turn(&self, reader: usize) {
        self.log.lock().unwrap().stands[reader] = true;
        self.turns[reader].acquire().await.unwrap().forget();
        self.log.lock().unwrap().stands[reader] = false;
    }

    /// What verify does for one request.
    async fn request(&self, reader: usize) {
        self.turn(reader).await;
        let begun = Instant::now();
        let now = begun.into_std();
        let (told, current, down) = {
            let log = self.log.lock().unwrap();
            (log.told, log.version, log.down)
        };
        let serve = |edge: &AuthenticEdge, from_cache| {
            let version = usize::try_from(edge.token_version()).unwrap();
            let mut log = self.log.lock().unwrap();
            log.hits += usize::from(from_cache);
            log.served.push(Served { version, from_cache, begun, told, current, down });
        };
        if let Some(edge) = self.tracked.get(&self.fixed.key, now) {
            serve(&edge, true);
            return;
        }
        let ticket = self.tracked.ticket();
        self.turn(reader).await;
        let Ok(found) = self.pipe.edge_view(&self.fixed.key).await else { return };
        self.turn(reader).await;
        let edge = self.fixed.keys.open(&self.fixed.key, found.unwrap()).unwrap();
        self.tracked.keep(ticket, self.fixed.key, edge.clone(), now);
        serve(&edge, false);
    }
}

impl Redis {
    fn new() -> Self {
        Self {
            connection: None,
            heard: BytesMut::new(),
            says: VecDeque::new(),
            version: 0,
            since: vec![Instant::now()],
            tracks: false,
        }
    }

    /// Reads what came, without waiting.
    fn listen(&mut self) {
        if let Some(connection) = &mut self.connection {
            while let Some(Ok(1..)) = connection.read_buf(&mut self.heard).now_or_never() {}
        }
    }

    /// Does one command.
    fn execute(&mut self, fixed: &Fixed) {
        const READ_ENDS: &[u8] = b"\r\n$1\r\ne\r\n";
        let wire = if self.heard.starts_with(b"PING\r\n") {
            drop(self.heard.split_to(6));
            b"+PONG\r\n".to_vec()
        } else {
            assert!(self.heard.starts_with(b"*3\r\n$4\r\nHGET\r\n"), "{:?}", self.heard);
            let mut windows = self.heard.windows(READ_ENDS.len());
            let end = windows.position(|bytes| bytes == READ_ENDS).unwrap() + READ_ENDS.len();
            drop(self.heard.split_to(end));
            self.tracks = true;
            let view = &fixed.views[self.version];
            let mut wire = format!("${}\r\n", view.len()).into_bytes();
            wire.extend_from_slice(view);
            wire.extend_from_slice(b"\r\n");
            wire
        };
        self.says.push_back(Message { wire, tells: 0 });
    }

    /// Something else becomes of the session. Who read it is told, once.
    fn change(&mut self, names: &str) {
        self.version += 1;
        self.since.push(Instant::now());
        if std::mem::take(&mut self.tracks) {
            let wire = format!(">2\r\n$10\r\ninvalidate\r\n{names}\r\n").into_bytes();
            self.says.push_back(Message { wire, tells: self.version });
        }
    }
}

struct Path {
    left: Plan,
    shop: Arc<Shop>,
    shared: Arc<Shared>,
    redis: Redis,
    /// What the client did and heard, in its order.
    seen: Vec<Event>,
}

impl Path {
    fn begin(plan: Plan, fixed: &Arc<Fixed>) -> Self {
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

    async fn go(mut self, walk: &mut Walk, known: &mut HashSet<u64>) -> usize {
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

/// Goes all paths; says how many, and how often the cache had an answer.
fn explore(plan: Plan) -> (usize, usize) {
    let fixed = Arc::new(Fixed::new());
    let (mut walk, mut known, mut hits) = (Walk::default(), HashSet::new(), 0);
    while walk.next_path() {
        let runtime =
            Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        hits +=
            runtime.block_on(async { Path::begin(plan, &fixed).go(&mut walk, &mut known).await });
    }
    println!("{plan:?}: {} paths, {} states, {hits} hits", walk.paths(), known.len());
    (walk.paths(), hits)
}

fn plan(requests: [usize; READERS]) -> Plan {
    Plan { requests, changes: 1, flushes: 0, breaks: 0, silences: 0 }
}

#[test]
fn t16_in_every_order_of_reads_and_changes_no_view_is_shown_that_was_told_to_be_old() {
    let (paths, hits) = explore(plan([2, 1]));
    assert!(paths > 500 && hits > 50, "{paths} paths, {hits} hits");
    let (paths, hits) = explore(Plan { changes: 0, flushes: 1, ..plan([2, 1]) });
    assert!(paths > 500 && hits > 50, "{paths} paths, {hits} hits");
}

#[test]
fn t16_in_every_order_of_reads_and_lost_connections_nothing_is_kept_that_nobody_vouches_for() {
    let (paths, hits) = explore(Plan { breaks: 1, ..plan([2, 0]) });
    assert!(paths > 100 && hits > 5, "{paths} paths, {hits} hits");
}

#[test]
fn t16_a_connection_that_falls_silent_at_any_moment_vouches_for_half_a_second() {
    let (paths, hits) = explore(Plan { silences: 1, ..plan([2, 0]) });
    assert!(paths > 100 && hits > 10, "{paths} paths, {hits} hits");
}

/// Some minutes.
#[test]
fn soak_t16_in_every_order_of_all_of_it() {
    for all in [
        Plan { changes: 2, ..plan([2, 1]) },
        Plan { flushes: 1, ..plan([2, 1]) },
        Plan { breaks: 1, ..plan([2, 1]) },
        Plan { silences: 1, ..plan([2, 1]) },
        Plan { flushes: 1, breaks: 1, silences: 1, ..plan([2, 0]) },
    ] {
        let (paths, hits) = explore(all);
        assert!(paths > 1_000 && hits > 100, "{all:?}: {paths} paths, {hits} hits");
    }
}
