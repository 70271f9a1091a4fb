//! What watches replicas in a deployment, such as a kubelet: one that does not answer gets no more requests,
//! and what leads to it is closed.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use e2e::balancer::Balancer;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_rustls::TlsConnector;

const PERIOD: Duration = Duration::from_millis(200);
/// How long an answer may take, and how many in a row may be late. Who refuses is out at once.
const LIMIT: Duration = Duration::from_millis(500);
const LATE: u32 = 2;
/// By when a replica that does not answer is out.
pub(crate) const NOTICED: Duration = Duration::from_millis(1_500);

/// Watches until it is dropped.
pub(crate) struct Watch(#[expect(dead_code, reason = "aborts its tasks when dropped")] JoinSet<()>);

impl Watch {
    /// Watches all `replicas` of `balancer`, which speak TLS where there is a configuration for it.
    pub(crate) fn over(
        balancer: &Arc<Balancer>,
        replicas: &[SocketAddr],
        tls: Option<ClientConfig>,
    ) -> Self {
        balancer.set_ready(replicas);
        let tls = tls.map(|config| TlsConnector::from(Arc::new(config)));
        let mut watching = JoinSet::new();
        for replica in replicas.iter().copied() {
            let (balancer, tls) = (Arc::clone(balancer), tls.clone());
            watching.spawn(async move {
                let mut tick = interval(PERIOD);
                tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
                let mut late = 0;
                loop {
                    tick.tick().await;
                    match timeout(LIMIT, answers(replica, tls.as_ref())).await {
                        Ok(Ok(())) => {
                            late = 0;
                            balancer.find(replica);
                        }
                        Err(_) if late + 1 < LATE => late += 1,
                        // The last one is kept: nobody is better off without it.
                        _ if balancer.is_ready_without(replica) => balancer.lose(replica),
                        _ => {}
                    }
                }
            });
        }
        Self(watching)
    }
}

/// Whatever it answers is a sign of life.
async fn answers(replica: SocketAddr, tls: Option<&TlsConnector>) -> io::Result<()> {
    let stream = TcpStream::connect(replica).await?;
    match tls {
        None => ask(stream).await,
        Some(tls) => {
            let name = ServerName::try_from("localhost").expect("a name");
            ask(tls.connect(name, stream).await?).await
        }
    }
}

async fn ask(mut stream: impl AsyncRead + AsyncWrite + Unpin) -> io::Result<()> {
    stream
        .write_all(b"GET /auth/verify HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        .await?;
    stream.read_u8().await.map(drop)
}
