//! Owns: one connection after the other, for as long as rights are shared: subscribe, forget, hear.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};

use fred::clients::{Client, WithOptions};
use fred::interfaces::{
    ClientInterface as _, ClientLike as _, KeysInterface as _, PubsubInterface as _,
};
use fred::types::config::Config;
use fred::types::{ClusterHash, CustomCommand, Message, Value};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{sleep, timeout};

use super::state::State;
use crate::redis::connection::Connection;
use crate::redis::failure::{Failure, failure};
use crate::redis::pause::{STEADY, pause};

/// Time between two signs of life, and the longest wait for one.
const EVERY: Duration = Duration::from_millis(500);
const ANSWER: Duration = Duration::from_secs(2);

/// Hears for ever.
pub(super) async fn run(config: Config, state: Arc<State>) {
    let mut failures = 0;
    loop {
        let began = Instant::now();
        // fred's futures are kilobytes large.
        let failure = Box::pin(listen(&config, &state)).await;
        state.end(failure);
        if began.elapsed() >= STEADY {
            failures = 0;
        }
        sleep(pause(failures)).await;
        failures = failures.saturating_add(1);
    }
}

/// One connection, from the first byte to whatever ends it.
async fn listen(config: &Config, state: &State) -> Failure {
    let listened = async {
        let opened = Connection::open(config, &state.names.epoch).await?;
        let Connection { client, mut messages, mut driver } = opened;
        subscribe(&client, &state.names.channel).await?;
        state.begin(client.clone());
        tokio::select! {
            failed = prove(&client, &state.names.epoch) => failed,
            failed = hear(&mut messages, state) => failed,
            _ = &mut driver.0 => Err(Failure::Lost),
        }
    };
    match listened.await {
        Ok(never) => match never {},
        Err(failure) => failure,
    }
}

async fn subscribe(client: &WithOptions<Client>, channel: &str) -> Result<(), Failure> {
    client.subscribe(channel).await.map_err(|error| failure(&error))?;
    // fred does not wait for the answer to a subscription, so Redis is asked what became of it.
    let described: String = client.client_info().await.map_err(|error| failure(&error))?;
    let subscribed = described.split_ascii_whitespace().any(|field| field == "sub=1");
    subscribed.then_some(()).ok_or(Failure::NotSubscribed)
}

async fn hear(messages: &mut Receiver<Message>, state: &State) -> Result<Infallible, Failure> {
    loop {
        match messages.recv().await {
            Ok(message) => state.changed(message.value.as_bytes()),
            // Some were dropped, and may have been about anybody.
            Err(RecvError::Lagged(_)) => state.flush(),
            Err(RecvError::Closed) => return Err(Failure::Lost),
        }
    }
}

/// That the server is there, that it is still the one that is written to, and, in a cluster, that it still has
/// the rights.
async fn prove(client: &WithOptions<Client>, epoch: &str) -> Result<Infallible, Failure> {
    loop {
        sleep(EVERY).await;
        let asked = async {
            let _: Option<String> = client.get(epoch).await?;
            let hello = CustomCommand::new_static("HELLO", ClusterHash::FirstKey, false);
            client.custom::<HashMap<String, Value>, Value>(hello, Vec::new()).await
        };
        let about = timeout(ANSWER, asked).await.map_err(|_| Failure::TimedOut)?;
        let about = about.map_err(|error| failure(&error))?;
        let role = about.get("role").and_then(Value::as_str).ok_or(Failure::Answer)?;
        if role != "master" {
            return Err(Failure::Replica);
        }
    }
}
