//! Owns: what the connection and those who ask have in common: the client while there is one, and the caches
//! that have to forget.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use fred::clients::{Client, WithOptions};
use fred::error::Error;
use fred::interfaces::ClientLike as _;
use fred::types::scripts::Script;
use fred::types::{ClusterHash, CustomCommand, FromValue};
use ring::rand::{SecureRandom as _, SystemRandom};
use tokio::sync::watch;
use tokio::time::timeout;

use super::scripts::{EVERYBODY, LEASE, Names, SCRIPTS};
use crate::permissions::memory::Memory;
use crate::permissions::tier::Found;
use crate::permissions::user::UserKey;
use crate::permissions::{InvalidateError, Rights};
use crate::redis::failure::Failure;

/// Longest wait for rights: then the source is asked.
const READ: Duration = Duration::from_millis(500);
/// Longest wait for anything that is written.
const WRITE: Duration = Duration::from_secs(1);

/// What stands for somebody unknown.
const NOBODY: &str = "null";

#[derive(Debug, Clone, Copy)]
pub(super) struct Lives {
    pub(super) known: Duration,
    pub(super) unknown: Duration,
}

pub(super) struct State {
    pub(super) names: Names,
    lives: Lives,
    line: watch::Sender<Option<WithOptions<Client>>>,
    memories: Mutex<Vec<Weak<Memory>>>,
    flushes: AtomicU64,
    failure: Mutex<Option<Failure>>,
}

impl State {
    pub(super) fn new(names: Names, lives: Lives) -> Self {
        Self {
            names,
            lives,
            line: watch::Sender::new(None),
            memories: Mutex::default(),
            flushes: AtomicU64::new(0),
            failure: Mutex::default(),
        }
    }

    pub(super) fn attach(&self, memory: &Arc<Memory>) {
        let mut memories = self.memories.lock().unwrap_or_else(PoisonError::into_inner);
        memories.retain(|memory| memory.strong_count() > 0);
        memories.push(Arc::downgrade(memory));
    }

    /// Every change from now on is heard. Those before may have been missed.
    pub(super) fn begin(&self, client: WithOptions<Client>) {
        self.flush();
        self.line.send_replace(Some(client));
    }

    pub(super) fn end(&self, failure: Failure) {
        self.line.send_replace(None);
        *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(failure);
    }

    /// Somebody's rights have changed, or everybody's. What cannot be read may be about anybody.
    pub(super) fn changed(&self, message: Option<&[u8]>) {
        match message.and_then(UserKey::read) {
            Some(key) => self.each(|memory| memory.evict(&key)),
            None => self.flush(),
        }
    }

    pub(super) fn flush(&self) {
        self.flushes.fetch_add(1, Ordering::Relaxed);
        self.each(Memory::flush);
    }

    fn each(&self, what: impl Fn(&Memory)) {
        let memories = self.memories.lock().unwrap_or_else(PoisonError::into_inner);
        memories.iter().filter_map(Weak::upgrade).for_each(|memory| what(&memory));
    }

    pub(super) async fn read(&self, key: &UserKey) -> Option<Found> {
        let arguments = [self.names.user(key), self.names.epoch.clone(), random()?, ms(LEASE)];
        let (known, text): (i64, String) = self.run(&SCRIPTS.read, 2, &arguments, READ).await?;
        if known == 0 {
            return Some(Found::Lease(text));
        }
        if text == NOBODY {
            return Some(Found::Known(None));
        }
        // What cannot be read is not believed; the source is asked until it ends.
        Rights::from_json(text.as_bytes()).ok().map(|rights| Found::Known(Some(Arc::new(rights))))
    }

    /// Nothing depends on it: who asks next may as well ask the source.
    pub(super) async fn write(&self, key: &UserKey, lease: &str, rights: Option<&Rights>) {
        let life = if rights.is_some() { self.lives.known } else { self.lives.unknown };
        let Ok(text) = serde_json::to_string(&rights) else { return };
        let (user, epoch) = (self.names.user(key), self.names.epoch.clone());
        let arguments = [user, epoch, lease.to_owned(), text, ms(life)];
        let _: Option<i64> = self.run(&SCRIPTS.write, 2, &arguments, WRITE).await;
    }

    pub(super) async fn invalidate(&self, key: &UserKey) -> Result<(), InvalidateError> {
        let arguments = [self.names.user(key), self.names.channel.clone(), key.to_string()];
        let done: Option<i64> = self.run(&SCRIPTS.invalidate, 1, &arguments, WRITE).await;
        done.map(drop).ok_or(InvalidateError)
    }

    pub(super) async fn invalidate_all(&self) -> Result<(), InvalidateError> {
        let epoch = random().ok_or(InvalidateError)?;
        let (key, channel) = (self.names.epoch.clone(), self.names.channel.clone());
        let arguments = [key, channel, EVERYBODY.to_owned(), epoch];
        let done: Option<i64> = self.run(&SCRIPTS.invalidate_all, 1, &arguments, WRITE).await;
        done.map(drop).ok_or(InvalidateError)
    }

    async fn run<R: FromValue>(
        &self,
        script: &Script,
        keys: usize,
        arguments: &[String],
        within: Duration,
    ) -> Option<R> {
        let client = self.line.borrow().clone()?;
        let run = run(&client, script, keys, arguments);
        timeout(within, run).await.ok()?.ok()
    }

    pub(super) fn is_listening(&self) -> bool {
        self.line.borrow().is_some()
    }

    pub(super) async fn listening(&self) {
        // The sender is a field of `self`, so it cannot be gone.
        drop(self.line.subscribe().wait_for(Option::is_some).await.map(drop));
    }

    pub(super) fn flushes(&self) -> u64 {
        self.flushes.load(Ordering::Relaxed)
    }

    pub(super) fn failure(&self) -> Option<Failure> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Redis forgets scripts when it starts anew, and is then sent the text.
async fn run<R: FromValue>(
    client: &WithOptions<Client>,
    script: &Script,
    keys: usize,
    arguments: &[String],
) -> Result<R, Error> {
    let words = |script: &str| {
        let head = [script.to_owned(), keys.to_string()];
        head.into_iter().chain(arguments.iter().cloned()).collect::<Vec<_>>()
    };
    let evalsha = CustomCommand::new_static("EVALSHA", ClusterHash::FirstKey, false);
    match client.custom(evalsha, words(script.sha1())).await {
        Err(error) if error.details().starts_with("NOSCRIPT") => {
            let eval = CustomCommand::new_static("EVAL", ClusterHash::FirstKey, false);
            client.custom(eval, words(script.lua().map_or("", |lua| lua))).await
        }
        result => result,
    }
}

fn ms(duration: Duration) -> String {
    duration.as_millis().to_string()
}

/// What nobody ever named an epoch or a lease before.
fn random() -> Option<String> {
    let mut bytes = [0; 16];
    SystemRandom::new().fill(&mut bytes).ok()?;
    Some(URL_SAFE_NO_PAD.encode(bytes))
}
