//! Owns: asking servers for a sign of life. A packet filter that forgot a connection closes nothing, and neither
//! does a server that is frozen; only who asks learns of it.

use fred::error::ErrorKind;
use fred::interfaces::{ClientLike, ClusterInterface};
use fred::types::config::{Options, Server};
use fred::types::{ClientState, Value};
use futures_util::future::join_all;

/// Time-outs in a row that mean "silent" rather than "slow once".
pub(super) const SILENT_AFTER: u32 = 3;

/// The masters of a Cluster, as far as they are known.
pub(super) fn masters(client: &impl ClusterInterface) -> Vec<Server> {
    client.cached_cluster_state().map(|state| state.unique_primary_nodes()).unwrap_or_default()
}

/// The masters of a Cluster that let `patience` questions in a row pass by. A client that is connecting anyway
/// asks nobody.
pub(super) async fn silent(client: &impl ClusterInterface, patience: u32) -> Vec<Server> {
    let is_connected = || client.state() == ClientState::Connected;
    if !is_connected() {
        return Vec::new();
    }
    let asked = masters(client).into_iter().map(|server| async move {
        let node = Options { cluster_node: Some(server.clone()), ..Options::default() };
        is_silent(&client.with_options(&node), patience).await.then_some(server)
    });
    let silent: Vec<_> = join_all(asked).await.into_iter().flatten().collect();
    if is_connected() { silent } else { Vec::new() }
}

/// Whether the only server, or one of a Cluster, lets so many questions pass by.
pub(super) async fn is_any_silent(client: &impl ClusterInterface) -> bool {
    if client.is_clustered() {
        return !silent(client, SILENT_AFTER).await.is_empty();
    }
    client.state() == ClientState::Connected && is_silent(client, SILENT_AFTER).await
}

/// Any answer is a sign of life.
async fn is_silent(client: &impl ClientLike, patience: u32) -> bool {
    for _ in 0..patience {
        let answer = client.ping::<Value>(None).await;
        if !matches!(answer, Err(error) if *error.kind() == ErrorKind::Timeout) {
            return false;
        }
    }
    true
}
