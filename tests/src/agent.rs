//! A user agent over HTTP: cookie jar, own trust, one source address, redirects on request.
//!
//! Every host name leads to loopback, as in the browser, so that tests can use the names of a real
//! deployment.

mod call;
mod reply;

use std::convert::Infallible;
use std::iter;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, header};
use http_body_util::Full;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::dns::Name;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::ClientConfig;
use tower::util::BoxCloneSyncService;
use url::Url;

use crate::jar::Jar;
use crate::tls::{Ca, Leaf};

pub use call::Call;
pub use reply::Reply;

const LIMIT: Duration = Duration::from_secs(30);
const REDIRECTS: usize = 15;
/// Node closes a connection that was idle for 5 s, perhaps while a request is on its way.
const IDLE: Duration = Duration::from_secs(2);

/// What a browser calls itself, for the tests of session binding.
pub const CHROME: &str = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36";

type Resolver = BoxCloneSyncService<Name, iter::Once<SocketAddr>, Infallible>;

/// A user agent.
#[derive(Debug)]
pub struct Agent {
    // Clones of a client share its connections.
    client: Client<HttpsConnector<HttpConnector<Resolver>>, Full<Bytes>>,
    jar: Mutex<Jar>,
    name: HeaderValue,
}

impl Agent {
    /// A new agent that trusts `ca` and has no cookies.
    pub fn new(ca: &Ca) -> Self {
        Self::from_address(ca, Ipv4Addr::LOCALHOST)
    }

    /// An agent whose connections come from another address of the loopback network.
    pub fn from_address(ca: &Ca, source: Ipv4Addr) -> Self {
        Self::over(ca.client(), source)
    }

    /// An agent that shows a certificate to servers that ask for one.
    pub fn showing(ca: &Ca, certificate: &Leaf) -> Self {
        Self::over(ca.client_showing(certificate), Ipv4Addr::LOCALHOST)
    }

    fn over(tls: ClientConfig, source: Ipv4Addr) -> Self {
        let resolver: Resolver = BoxCloneSyncService::new(tower::service_fn(async |_: Name| {
            Ok(iter::once(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))))
        }));
        let mut tcp = HttpConnector::new_with_resolver(resolver);
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_local_address(Some(IpAddr::V4(source)));
        let tls = HttpsConnectorBuilder::new()
            .with_tls_config(tls)
            .https_or_http()
            .enable_all_versions()
            .wrap_connector(tcp);
        Self {
            client: Client::builder(TokioExecutor::new())
                .pool_timer(TokioTimer::new())
                .pool_idle_timeout(IDLE)
                .build(tls),
            jar: Mutex::default(),
            name: HeaderValue::from_static(CHROME),
        }
    }

    /// Another agent, without cookies, that uses the connections of this one: for tests with hundreds.
    #[must_use]
    pub fn another(&self) -> Self {
        Self { client: self.client.clone(), jar: Mutex::default(), name: self.name.clone() }
    }

    /// Another tab of the same browser, for a task of its own: what one of them learns from now on, the
    /// other does not.
    #[must_use]
    pub fn tab(&self) -> Self {
        Self { jar: Mutex::new(self.cookies()), ..self.another() }
    }

    /// The same agent, calling itself something else.
    #[must_use]
    pub fn called(mut self, name: &'static str) -> Self {
        self.name = HeaderValue::from_static(name);
        self
    }

    /// A request with nothing but the agent's name and cookies.
    pub fn request(&self, method: Method, url: &str) -> Call<'_> {
        let url = Url::parse(url).unwrap_or_else(|error| panic!("{url}: {error}"));
        let mut headers = HeaderMap::new();
        headers.insert(header::USER_AGENT, self.name.clone());
        if let Some(line) = self.cookies().line(&url) {
            headers.insert(header::COOKIE, line.parse().expect("a cookie line"));
        }
        Call { agent: self, method, url, headers, body: Bytes::new(), limit: LIMIT }
    }

    /// A bare GET.
    pub fn get(&self, url: &str) -> Call<'_> {
        self.request(Method::GET, url)
    }

    /// What `fetch` sends from a page of the same origin.
    pub fn fetch(&self, method: Method, url: &str) -> Call<'_> {
        let call = self.request(method, url);
        let origin = call.url.origin().ascii_serialization();
        let safe = matches!(call.method, Method::GET | Method::HEAD);
        let call = call
            .header("accept", "application/json")
            .header("sec-fetch-mode", "cors")
            .header("sec-fetch-dest", "empty")
            .header("sec-fetch-site", "same-origin");
        if safe { call } else { call.header("origin", &origin) }
    }

    /// What the address bar sends.
    pub fn visit(&self, url: &str) -> Call<'_> {
        self.get(url)
            .header("accept", "text/html,application/xhtml+xml,*/*;q=0.8")
            .header("sec-fetch-mode", "navigate")
            .header("sec-fetch-dest", "document")
            .header("sec-fetch-site", "none")
    }

    /// Visits a page and follows every redirect; the last answer comes first in time.
    ///
    /// # Panics
    /// When there is no end of redirects.
    pub async fn navigate(&self, url: &str) -> Reply {
        let reply = self.visit(url).send().await;
        self.follow(reply).await
    }

    /// Follows redirects from an answer.
    ///
    /// # Panics
    /// When there is no end of them.
    pub async fn follow(&self, mut reply: Reply) -> Reply {
        for _ in 0..REDIRECTS {
            if !reply.status.is_redirection() {
                return reply;
            }
            let next = reply.location();
            reply = self.visit(next.as_str()).send().await;
        }
        panic!("no end of redirects at {}", reply.url)
    }

    /// The agent's cookies.
    pub fn cookies(&self) -> Jar {
        self.lock().clone()
    }

    /// Changes the agent's cookies.
    pub fn edit_cookies(&self, edit: impl FnOnce(&mut Jar)) {
        edit(&mut self.lock());
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Jar> {
        self.jar.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
