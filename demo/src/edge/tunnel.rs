//! Owns: bytes in both directions after a 101 answer (RFC 9110 section 7.8).

use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio_util::sync::CancellationToken;

/// Joins a client and a service until one of them closes or the demo stops.
pub(super) async fn join(client: OnUpgrade, service: OnUpgrade, stop: CancellationToken) {
    let joined = async {
        let (client, service) = tokio::try_join!(client, service)?;
        let (mut client, mut service) = (TokioIo::new(client), TokioIo::new(service));
        tokio::io::copy_bidirectional(&mut client, &mut service).await?;
        anyhow::Ok(())
    };
    tokio::select! {
        ended = joined => if let Err(error) = ended {
            tracing::debug!(%error, "a tunnel ended early");
        },
        () = stop.cancelled() => {}
    }
}
