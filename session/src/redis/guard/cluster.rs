//! Owns: noticing that the connection to one server of a Cluster leads nowhere.
//!
//! fred makes connections anew that broke, and no others: one that a packet filter forgot stays in use for
//! ever, `force_reconnection` or not, and with it every session in the slots of its server. So each server
//! is asked for a sign of life. Where none comes and a connection made afresh brings one, all of them are
//! made anew; where that brings none either, the server is away, and the others are asked who has its slots
//! now. One server that is away is no reason to refuse what the others hold.

use std::mem;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use fred::clients::Client;
use fred::interfaces::{ClientLike as _, ClusterInterface as _};
use fred::types::config::{Server, ServerConfig};
use fred::types::{ClientState, ConnectHandle};
use futures_util::future::join_all;
use tokio::time::timeout;

use super::{ATTEMPT, State};
use crate::redis::pulse::{SILENT_AFTER, masters, silent};

/// Asks every server once, and stays with those that are silent until none is.
pub(super) async fn look_after(state: &State, connection: &mut ConnectHandle) {
    let mut patience = SILENT_AFTER;
    loop {
        let client = state.client();
        let silent = silent(&client, patience).await;
        if silent.is_empty() {
            break;
        }
        if patience == SILENT_AFTER {
            tracing::warn!(
                servers = silent.len(),
                "servers of the redis cluster stopped answering"
            );
        }
        let is_anybody_there = silent.len() < masters(&client).len();
        state.open.store(!is_anybody_there, Ordering::Release);
        if one_answers_afresh(&client, &silent).await {
            connect_anew(state, client, connection).await;
        } else {
            drop(timeout(ATTEMPT, client.sync_cluster()).await);
        }
        patience = 1;
    }
    state.timeouts.store(0, Ordering::Release);
    state.open.store(false, Ordering::Release);
    if patience == 1 && state.client().state() == ClientState::Connected {
        tracing::info!("the redis cluster answers again");
    }
}

/// Puts another client in the place of this one, whose commands under way are lost with it.
async fn connect_anew(state: &State, old: Client, connection: &mut ConnectHandle) {
    let Ok(client) = state.builder.build() else { return };
    let connecting = client.connect();
    // The old one goes on with what the other servers still answer, until this one stands.
    drop(timeout(ATTEMPT, client.wait_for_connect()).await);
    state.client.store(Arc::new(client));
    // It waits for all that is under way, some of it in vain.
    drop(timeout(ATTEMPT, old.quit()).await);
    mem::replace(connection, connecting).abort();
}

/// Whether a connection made for the question brings an answer of one of them.
async fn one_answers_afresh(client: &Client, silent: &[Server]) -> bool {
    let all = client.split_cluster().unwrap_or_default();
    let is_silent = |client: &Client| match &client.client_config().server {
        ServerConfig::Centralized { server } => silent.contains(server),
        _ => false,
    };
    let asked = all.into_iter().filter(is_silent).map(|client| async move {
        let connection = client.connect();
        let answer = timeout(ATTEMPT, async {
            client.wait_for_connect().await?;
            client.ping::<String>(None).await
        });
        let is_there = matches!(answer.await, Ok(Ok(_)));
        connection.abort();
        is_there
    });
    join_all(asked).await.contains(&true)
}
