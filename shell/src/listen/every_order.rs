//! The drain in every order: requests that come in halves, answers that come in halves, the end of the
//! process and the end of its patience; and who connects before, at and after the end of listening.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::{FutureExt as _, StreamExt as _, stream};
use http_body_util::StreamBody;
use hyper::body::Frame;
use hyper::service::service_fn;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};
use tokio::runtime::Builder;
use tokio::sync::Semaphore;

use super::connection::Connection;
use super::*;
use crate::shutdown::DRAIN;
use crate::walk::Walk;

const CLIENTS: usize = 2;
const HALVES: [&[u8]; 2] = [b"GET / HTTP/1.1\r\nho", b"st: a\r\n\r\n"];

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Event {
    /// A client sends the next half of a request.
    Sends(usize),
    /// A handler gives the next half of its answer.
    Answers(usize),
    Ends,
    /// The drain has no more patience with connections on which nothing is asked.
    LingerEnds,
}

struct Client {
    stream: DuplexStream,
    /// Requests that it still wants to send.
    left: usize,
    halves_sent: usize,
    heard: Vec<u8>,
    closed: bool,
    /// Whether it may rely on an answer to what it has sent.
    owed: bool,
}

/// What a handler waits for, and how many were called.
#[derive(Debug)]
struct Handler {
    halves: Semaphore,
    calls: AtomicUsize,
}

struct Path {
    shutdown: Shutdown,
    clients: Vec<Client>,
    handlers: Vec<Arc<Handler>>,
    answers_due: [usize; CLIENTS],
    events: Vec<Event>,
    ended: bool,
    linger_over: bool,
}

impl Path {
    fn begin(requests: [usize; CLIENTS]) -> Self {
        let shutdown = Shutdown::new();
        let limits = Arc::new(Limits::default());
        let (mut clients, mut handlers) = (Vec::new(), Vec::new());
        for left in requests {
            let (stream, theirs) = tokio::io::duplex(16 * 1024);
            let handler =
                Arc::new(Handler { halves: Semaphore::new(0), calls: AtomicUsize::new(0) });
            let open = limits.connections.admit().unwrap();
            let (limits, shutdown_of) = (Arc::clone(&limits), shutdown.clone());
            let connection = Connection { limits, shutdown: shutdown_of, open };
            let serving = Arc::clone(&handler);
            let service = service_fn(move |_: Request<Incoming>| answer(Arc::clone(&serving)));
            shutdown.track(connection.http1(theirs, service));
            let (heard, closed, owed) = (Vec::new(), false, false);
            clients.push(Client { stream, left, halves_sent: 0, heard, closed, owed });
            handlers.push(handler);
        }
        Self {
            shutdown,
            clients,
            handlers,
            answers_due: [0; CLIENTS],
            events: Vec::new(),
            ended: false,
            linger_over: false,
        }
    }

    fn may_happen(&self) -> Vec<Event> {
        let mut events = Vec::new();
        for (number, client) in self.clients.iter().enumerate() {
            let is_answered = client.halves_sent != HALVES.len();
            if client.left > 0 && is_answered && !client.closed {
                events.push(Event::Sends(number));
            }
            let handler = &self.handlers[number];
            let under_way = handler.calls.load(Ordering::SeqCst) * 2;
            if self.answers_due[number] < under_way {
                events.push(Event::Answers(number));
            }
        }
        if !self.ended {
            events.push(Event::Ends);
        } else if !self.linger_over {
            events.push(Event::LingerEnds);
        }
        events
    }

    async fn happens(&mut self, event: Event) {
        self.events.push(event);
        match event {
            Event::Sends(number) => {
                let client = &mut self.clients[number];
                let half = HALVES[client.halves_sent];
                // A server that has closed takes nothing.
                let sent = client.stream.write_all(half).await.is_ok();
                client.halves_sent += 1;
                if client.halves_sent == HALVES.len() {
                    client.left -= 1;
                    client.owed = sent && !self.linger_over;
                }
            }
            Event::Answers(number) => {
                self.answers_due[number] += 1;
                self.handlers[number].halves.add_permits(1);
            }
            Event::Ends => {
                self.ended = true;
                self.shutdown.begin();
            }
            Event::LingerEnds => {
                self.linger_over = true;
                tokio::time::advance(Limits::default().linger + Duration::from_millis(1)).await;
            }
        }
        settle().await;
        for number in 0..CLIENTS {
            self.hear(number);
        }
    }

    /// What a client finds on its connection.
    fn hear(&mut self, number: usize) {
        let ended = self.ended;
        let story = format!("{:?}", self.events);
        let client = &mut self.clients[number];
        let before = client.heard.len();
        while let Some(Ok(read)) = client.stream.read_buf(&mut client.heard).now_or_never() {
            if read == 0 {
                client.closed = true;
                break;
            }
        }
        let heard = String::from_utf8_lossy(&client.heard).into_owned();
        if before == 0 && !heard.is_empty() {
            assert!(heard.starts_with("HTTP/1.1 200"), "{heard}\n{story}");
            let says_so = heard.contains("connection: close");
            assert_eq!(says_so, ended, "whether it is the last one: {heard}\n{story}");
        }
        if heard.ends_with("0\r\n\r\n") {
            assert!(heard.contains("one") && heard.contains("two"), "{heard}\n{story}");
            client.heard.clear();
            (client.halves_sent, client.owed) = (0, false);
            // One that began before the end could not say that it is the last.
            let is_last = heard.contains("connection: close") || self.linger_over;
            assert_eq!(client.closed, is_last, "{story}");
        }
        assert!(!(client.closed && client.owed), "client {number} got no answer\n{story}");
    }

    fn state(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        for (number, client) in self.clients.iter().enumerate() {
            // Each connection is a matter of its own, and knows of the others' nothing but the end.
            let of = |event: &&Event| match event {
                Event::Sends(client) | Event::Answers(client) => *client == number,
                Event::Ends | Event::LingerEnds => true,
            };
            self.events.iter().filter(of).for_each(|event| event.hash(&mut hasher));
            (client.left, client.closed, &client.heard).hash(&mut hasher);
        }
        hasher.finish()
    }

    /// All that is left is given, and nothing else is waited for.
    async fn finish(mut self) {
        let story = format!("{:?}", self.events);
        let calls: Vec<usize> =
            self.handlers.iter().map(|handler| handler.calls.load(Ordering::SeqCst)).collect();
        let begun = tokio::time::Instant::now();
        let drained = self.shutdown.clone();
        let drained = tokio::spawn(async move { drained.drained(DRAIN).await });
        settle().await;
        tokio::time::advance(DRAIN).await;
        settle().await;
        assert_eq!(drained.now_or_never().map(Result::unwrap), Some(true), "held: {story}");
        assert!(begun.elapsed() <= DRAIN);
        for (number, before) in calls.into_iter().enumerate() {
            self.hear(number);
            let client = &mut self.clients[number];
            assert!(client.closed, "client {number} is left open\n{story}");
            let late = [HALVES[0], HALVES[1]].concat();
            assert!(client.stream.write_all(&late).await.is_err(), "{story}");
            let after = self.handlers[number].calls.load(Ordering::SeqCst);
            assert_eq!(after, before, "served after the end\n{story}");
        }
    }
}

/// Two halves, each when it may.
async fn answer(
    handler: Arc<Handler>,
) -> Result<
    Response<StreamBody<impl stream::Stream<Item = Result<Frame<Bytes>, Infallible>>>>,
    Infallible,
> {
    handler.calls.fetch_add(1, Ordering::SeqCst);
    handler.halves.acquire().await.unwrap().forget();
    let rest = async move {
        handler.halves.acquire().await.unwrap().forget();
        Ok(Frame::data("two".into()))
    };
    let one = stream::iter([Ok(Frame::data("one".into()))]);
    Ok(Response::new(StreamBody::new(one.chain(stream::once(rest)))))
}

async fn settle() {
    for _ in 0..3 {
        tokio::task::yield_now().await;
    }
}

async fn go(requests: [usize; CLIENTS], walk: &mut Walk, known: &mut HashSet<u64>) {
    let mut path = Path::begin(requests);
    settle().await;
    loop {
        if walk.is_new() && !known.insert(path.state()) {
            return;
        }
        match path.may_happen().as_slice() {
            [] => break,
            [event] => path.happens(*event).await,
            events => path.happens(events[walk.fork(events.len())]).await,
        }
    }
    path.finish().await;
}

fn explore(requests: [usize; CLIENTS]) -> usize {
    let (mut walk, mut known) = (Walk::default(), HashSet::new());
    while walk.next_path() {
        let runtime =
            Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(go(requests, &mut walk, &mut known));
    }
    println!("{requests:?}: {} paths, {} states", walk.paths(), known.len());
    walk.paths()
}

#[test]
fn the_drain_answers_what_was_sent_and_ends_in_every_order_of_two_connections() {
    for (requests, least) in [([2, 1], 100), ([3, 0], 10)] {
        let paths = explore(requests);
        assert!(paths >= least, "{paths} paths");
    }
}

/// When whom connects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Turn {
    Connects(usize),
    Ends,
    /// The listener does what there is to do.
    Listens,
}

async fn listen(walk: &mut Walk) -> usize {
    let listener = bind("127.0.0.1:0".parse().unwrap(), false).unwrap();
    let address = listener.local_addr().unwrap();
    let shutdown = Shutdown::new();
    let serving =
        serve(listener, None, Limits::default(), shutdown.clone(), |_| service_fn(tests::hello));
    let mut serving = std::pin::pin!(serving);
    let (mut streams, mut closed, mut turns) = (Vec::new(), false, Vec::new());
    let mut left =
        vec![Turn::Connects(0), Turn::Connects(1), Turn::Ends, Turn::Listens, Turn::Listens];
    while !left.is_empty() {
        let turn = left.remove(walk.fork(left.len()));
        turns.push(turn);
        match turn {
            Turn::Connects(_) => match std::net::TcpStream::connect(address) {
                Ok(stream) => streams.push(stream),
                Err(_) => assert!(closed, "turned away before the end of listening: {turns:?}"),
            },
            Turn::Ends => shutdown.begin(),
            Turn::Listens => {
                // Time for the runtime to hear of connections.
                for _ in 0..4 {
                    closed = closed || serving.as_mut().now_or_never().is_some();
                    tokio::task::yield_now().await;
                }
                assert!(!shutdown.has_begun() || closed, "listens on: {turns:?}");
            }
        }
    }
    if !closed {
        serving.await;
    }
    assert!(std::net::TcpStream::connect(address).is_err(), "{turns:?}");
    let open = streams.len();
    for stream in streams {
        stream.set_nonblocking(true).unwrap();
        let mut stream = TcpStream::from_std(stream).unwrap();
        stream.write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
        let mut answer = Vec::new();
        let read = stream.read_to_end(&mut answer);
        let read = tokio::time::timeout(Duration::from_secs(10), read).await.unwrap();
        assert!(read.is_ok(), "{read:?}: {turns:?}");
        assert!(answer.ends_with(b"hello"), "not answered: {turns:?}");
    }
    assert!(shutdown.drained(Duration::from_secs(10)).await, "{turns:?}");
    open
}

#[test]
fn whoever_was_let_connect_is_answered_in_every_order_of_connecting_listening_and_the_end() {
    let (mut walk, mut answered) = (Walk::default(), 0);
    while walk.next_path() {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        answered += runtime.block_on(listen(&mut walk));
    }
    assert_eq!(walk.paths(), 120);
    assert!(answered > 120, "{answered} connections");
}
