//! Owns: one connection to Redis, over which messages and answers come in order: subscribe, read the index,
//! prove.
//!
//! Everything goes over a client that is thrown away with its connection, so that no reconnection of fred's
//! own can come between a subscription and a proof.

use std::collections::HashMap;
use std::convert::Infallible;
use std::pin::pin;
use std::time::{Duration, Instant};

use bytes::Bytes;
use fred::clients::{Client, WithOptions};
use fred::error::Error;
use fred::interfaces::{
    ClientInterface as _, ClientLike as _, PubsubInterface as _, SortedSetsInterface as _,
};
use fred::types::{ClusterHash, CustomCommand, Message, Value};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::options::Options;
use super::state::State;
use crate::redis::connection::{ANSWER, Connection, Driver};
use crate::redis::failure::{Failure, failure};

/// The index, and the channel.
const DENIED: &str = "jwt:blacklist";

/// Entries of the index that are asked for at once; Redis gives about as many.
const PAGE: &str = "1000";

/// Entries about users whose end is asked for at once, and how many may wait for that.
const ENDS: usize = 256;
const ENDS_WAITING: usize = 16 * ENDS;

/// What is no entry and stands in no index. Asking for it shows that the index can be read, and, in a
/// cluster, that the server still has it.
const NONE: &[u8] = b"";

/// A connection.
pub(super) struct Line<'a> {
    client: WithOptions<Client>,
    connection: Driver,
    messages: Receiver<Message>,
    state: &'a State,
    /// Entries about users that were heard, and whose end stands in the index.
    endless: Vec<Bytes>,
}

impl<'a> Line<'a> {
    pub(super) async fn open(options: &Options, state: &'a State) -> Result<Self, Failure> {
        // Where the index is: `PUBLISH` goes there as well, so that both stay in order.
        let opened = Connection::open(&options.config, DENIED).await?;
        let Connection { client, messages, driver } = opened;
        Ok(Self { client, connection: driver, messages, state, endless: Vec::new() })
    }

    /// From here on every message arrives, or the connection ends.
    pub(super) async fn subscribe(&mut self) -> Result<(), Failure> {
        let client = self.client.clone();
        self.ask(client.subscribe(DENIED)).await?;
        // fred does not wait for the answer to a subscription, so Redis is asked what became of it.
        let described: String = self.ask(client.client_info()).await?;
        let subscribed = described.split_ascii_whitespace().any(|field| field == "sub=1");
        if subscribed { Ok(()) } else { Err(Failure::NotSubscribed) }
    }

    /// Reads the index. A scan gives every member that is there from its beginning to its end, whatever
    /// comes and goes meanwhile; ranges would skip some where others are removed.
    pub(super) async fn load(&mut self) -> Result<(), Failure> {
        let client = self.client.clone();
        let mut cursor = "0".to_owned();
        loop {
            let scan = CustomCommand::new_static("ZSCAN", ClusterHash::FirstKey, false);
            let page = client.custom(scan, vec![DENIED, &cursor, "COUNT", PAGE]);
            let (next, entries): (String, Vec<Value>) = self.ask(page).await?;
            for pair in entries.chunks(2) {
                let [entry, ends] = pair else { return Err(Failure::Answer) };
                self.state.enter(entry.as_bytes(), ends.as_f64().map(seconds));
            }
            if next == "0" {
                self.state.loaded();
                return Ok(());
            }
            cursor = next;
        }
    }

    /// Applies messages as they come and proves that none is missing, until something ends it.
    pub(super) async fn follow(&mut self, every: Duration) -> Result<Infallible, Failure> {
        let mut ticks = interval(every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = ticks.tick() => self.prove().await?,
                message = self.messages.recv() => self.heard(message)?,
                _ = &mut self.connection.0 => return Err(Failure::Lost),
            }
        }
    }

    async fn prove(&mut self) -> Result<(), Failure> {
        self.find_ends().await?;
        let client = self.client.clone();
        let hello = CustomCommand::new_static("HELLO", ClusterHash::FirstKey, false);
        let asked = Instant::now();
        let about: HashMap<String, Value> =
            self.ask(client.custom(hello, Vec::<Value>::new())).await?;
        let role = about.get("role").and_then(Value::as_str).ok_or(Failure::Answer)?;
        if role != "master" {
            return Err(Failure::Replica);
        }
        self.state.prove(asked);
        Ok(())
    }

    /// A message does not say how long an entry about a user stands. The index does.
    async fn find_ends(&mut self) -> Result<(), Failure> {
        let waiting = self.endless.len().min(ENDS);
        let mut entries: Vec<Bytes> = self.endless.drain(..waiting).collect();
        if entries.is_empty() {
            entries.push(Bytes::from_static(NONE));
        }
        let client = self.client.clone();
        let ends: Vec<Option<f64>> = self.ask(client.zmscore(DENIED, entries.clone())).await?;
        for (entry, ends) in entries.iter().zip(ends) {
            if let Some(ends) = ends.filter(|_| entry != NONE) {
                self.state.enter(Some(entry), Some(seconds(ends)));
            }
        }
        Ok(())
    }

    /// Waits for an answer. Once it is there, so is every message that Redis sent before, and is applied.
    async fn ask<T>(
        &mut self,
        question: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Failure> {
        let mut question = pin!(timeout(ANSWER, question));
        let answer = loop {
            tokio::select! {
                answer = &mut question => break answer,
                message = self.messages.recv() => self.heard(message)?,
                _ = &mut self.connection.0 => return Err(Failure::Lost),
            }
        };
        for _ in 0..self.messages.len() {
            match self.messages.try_recv() {
                Ok(message) => self.apply(&message)?,
                Err(TryRecvError::Lagged(_)) => return Err(Failure::Lagged),
                Err(TryRecvError::Empty | TryRecvError::Closed) => break,
            }
        }
        match answer {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(failure(&error)),
            Err(_) => Err(Failure::TimedOut),
        }
    }

    fn heard(&mut self, message: Result<Message, RecvError>) -> Result<(), Failure> {
        match message {
            Ok(message) => self.apply(&message),
            Err(RecvError::Lagged(_)) => Err(Failure::Lagged),
            Err(RecvError::Closed) => Err(Failure::Lost),
        }
    }

    fn apply(&mut self, message: &Message) -> Result<(), Failure> {
        let json = message.value.as_bytes();
        if self.state.enter(json, None) {
            if self.endless.len() >= ENDS_WAITING {
                // The index has them all.
                return Err(Failure::Lagged);
            }
            self.endless.extend(json.map(Bytes::copy_from_slice));
        }
        Ok(())
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a cast saturates, and a score is a number of seconds"
)]
const fn seconds(score: f64) -> u64 {
    score as u64
}

#[cfg(test)]
mod tests {
    use super::seconds;

    #[test]
    fn t17_no_score_makes_a_time_that_wraps() {
        let odd = [-1.0, f64::NEG_INFINITY, f64::NAN, f64::INFINITY, 1.9];
        assert_eq!(odd.map(seconds), [0, 0, 0, u64::MAX, 1]);
    }
}
