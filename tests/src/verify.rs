//! Verify and its Redis with nothing else around them, and connections that ask it as fast as it
//! answers.

use std::net::SocketAddr;

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

use crate::agent::Agent;
use crate::ports;
use crate::program::{Environment, Program};
use crate::redis::{Redis, USER};
use crate::scratch::Scratch;
use crate::stack::COOKIE;
use crate::tls::Ca;

const LINES_MAX: usize = 64;

/// A running verify, which speaks plain HTTP/1.1. Fields are dropped in order.
#[derive(Debug)]
pub struct Verify {
    /// The program.
    pub program: Program,
    /// Where it answers.
    pub address: SocketAddr,
    /// The store.
    pub redis: Redis,
    /// A user agent, for metrics and health.
    pub agent: Agent,
    _scratch: Scratch,
}

impl Verify {
    /// Starts both, after the product's user in Redis was given `rights` beside those it has.
    pub async fn start(settings: &[(&str, &str)], rights: &[&str]) -> Self {
        let scratch = Scratch::new();
        let ca = Ca::new(scratch.path().to_owned());
        let agent = Agent::new(&ca);
        let redis = Redis::start(&scratch, &ca).await;
        allow(&redis, rights).await;
        let (address, admin) = (ports::free(), ports::free());
        let environment = Environment::default()
            .set("REDIS_URL", redis.url())
            .set("REDIS_TLS_CA", ca.file().display())
            .set("BFF_TRUSTED_PROXIES", "127.0.0.1/32")
            .set("BFF_CONFIG_DIR", scratch.directory("forwardauth-config").display())
            .set("FORWARDAUTH_LISTEN", address)
            .set("FORWARDAUTH_ADMIN_LISTEN", admin);
        let environment = settings
            .iter()
            .fold(environment, |environment, (name, value)| environment.set(name, value));
        let program = Program::start("forwardauth", environment, admin, &scratch, &agent).await;
        Self { program, address, redis, agent, _scratch: scratch }
    }

    /// A metric of verify, summed over the series whose line contains `labels`.
    pub async fn metric(&self, name: &str, labels: &str) -> f64 {
        self.program.metric(&self.agent, name, labels).await
    }

    /// Two connections, each to another thread of a verify that has two and caches: what one of them
    /// has read, the other must ask Redis for. `known` is the cookie of a session that was not asked
    /// for before.
    pub async fn line_a_thread(&self, known: &str) -> [Line; 2] {
        let mut first = Line::open(self.address).await;
        assert_eq!(first.ask(known).await.status, 200);
        for _ in 0..LINES_MAX {
            let mut second = Line::open(self.address).await;
            let before = self.redis.calls("hget").await;
            assert_eq!(second.ask(known).await.status, 200);
            if self.redis.calls("hget").await > before {
                return [first, second];
            }
        }
        panic!("{LINES_MAX} connections, and all to one thread");
    }
}

/// Gives the product's user rights in Redis or takes them, in the words of `ACL SETUSER`.
pub async fn allow(redis: &Redis, rights: &[&str]) {
    let words = ["ACL", "SETUSER", USER].iter().chain(rights);
    redis.ask(&words.map(|word| word.as_bytes()).collect::<Vec<_>>()).await;
}

/// What verify said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// The status code.
    pub status: u16,
    /// `X-User-Roles`; empty without.
    pub roles: String,
}

/// A connection to verify that is kept.
#[derive(Debug)]
pub struct Line(BufReader<TcpStream>);

impl Line {
    /// Connects.
    pub async fn open(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.expect("verify accepts");
        stream.set_nodelay(true).expect("a connected socket");
        Self(BufReader::new(stream))
    }

    /// Asks about a request with the session cookie `cookie`, as a proxy does.
    ///
    /// # Panics
    /// When no answer comes, or one that is not HTTP.
    pub async fn ask(&mut self, cookie: &str) -> Said {
        let request = format!(
            "GET /auth/verify HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-Method: GET\r\n\
             X-Forwarded-Proto: https\r\nX-Forwarded-Host: app.wicket.test\r\n\
             X-Forwarded-Uri: /app/\r\nX-Forwarded-For: 127.0.0.1\r\nCookie: {COOKIE}={cookie}\r\n\r\n"
        );
        self.0.write_all(request.as_bytes()).await.expect("verify reads");
        let (mut said, mut length) = (Said { status: 0, roles: String::new() }, 0);
        loop {
            let mut line = String::new();
            let read = self.0.read_line(&mut line).await.expect("verify answers");
            assert!(read > 0, "verify closed the connection");
            let line = line.trim_end();
            if line.is_empty() {
                break;
            }
            if let Some(status) = line.strip_prefix("HTTP/1.1 ") {
                said.status = status.get(..3).and_then(|code| code.parse().ok()).expect("a status");
            } else if let Some((name, value)) = line.split_once(": ") {
                if name.eq_ignore_ascii_case("x-user-roles") {
                    value.clone_into(&mut said.roles);
                } else if name.eq_ignore_ascii_case("content-length") {
                    length = value.parse().expect("a length");
                }
            }
        }
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).await.expect("the body is whole");
        said
    }
}
