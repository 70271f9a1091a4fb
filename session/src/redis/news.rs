//! Owns: hearing what other replicas publish, over a connection of its own that is made when somebody
//! first listens.

use std::sync::OnceLock;
use std::time::Duration;

use fred::clients::SubscriberClient;
use fred::error::ErrorKind;
use fred::interfaces::{ClientLike as _, EventInterface as _, PubsubInterface as _};
use fred::types::{Builder, Message};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::broadcast::{self, Sender};
use tokio::time::{MissedTickBehavior, interval};

use super::guard::HEARTBEAT;
use super::pulse;
use crate::shelf::News;

/// News that a slow listener may be behind before it is told to look for itself.
const BACKLOG: usize = 1_024;

/// Between two attempts to subscribe.
const PAUSE: Duration = Duration::from_millis(250);

/// Follows one channel.
pub(super) struct Follower {
    builder: Builder,
    channel: String,
    news: OnceLock<Sender<News>>,
}

impl Follower {
    pub(super) fn new(builder: Builder, prefix: &str) -> Self {
        Self { builder, channel: format!("{prefix}news"), news: OnceLock::new() }
    }

    pub(super) fn channel(&self) -> &str {
        &self.channel
    }

    /// What is published from now on; from the first call, once the connection stands.
    pub(super) fn follow(&self) -> broadcast::Receiver<News> {
        let news = self.news.get_or_init(|| {
            let (sender, _) = broadcast::channel(BACKLOG);
            let (builder, channel) = (self.builder.clone(), self.channel.clone());
            drop(tokio::spawn(keep_listening(builder, channel, sender.clone())));
            sender
        });
        news.subscribe()
    }
}

/// With one client after another, for what lets nobody hear may do so for ever.
async fn keep_listening(builder: Builder, channel: String, news: Sender<News>) {
    while let Ok(client) = builder.build_subscriber_client() {
        let connection = client.connect();
        listen(&client, &channel, &news).await;
        tracing::warn!("redis is silent where it should tell the news; connecting anew");
        connection.abort();
    }
    tracing::error!("cannot follow what other replicas publish");
}

/// Ends when nobody is there to hear from.
async fn listen(client: &SubscriberClient, channel: &str, news: &Sender<News>) {
    let (mut messages, mut connected) = (client.message_rx(), client.reconnect_rx());
    let mut beat = interval(HEARTBEAT);
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            message = messages.recv() => match message {
                Ok(message) => tell(news, &message),
                Err(RecvError::Lagged(_)) => drop(news.send(News::Missed)),
                Err(RecvError::Closed) => return,
            },
            // Also told of the first connection.
            connection = connected.recv() => match connection {
                Ok(_) | Err(RecvError::Lagged(_)) => {
                    if !subscribe(client, channel).await {
                        return;
                    }
                    drop(news.send(News::Missed));
                }
                Err(RecvError::Closed) => return,
            },
            _ = beat.tick() => if pulse::is_any_silent(client).await {
                return;
            },
        }
    }
}

/// Until it is done: a server that just took the connection may still be loading, or refuse. `false` where
/// it says nothing at all.
async fn subscribe(client: &SubscriberClient, channel: &str) -> bool {
    let mut told = false;
    while let Err(error) = client.subscribe(channel).await {
        if *error.kind() == ErrorKind::Timeout && pulse::is_any_silent(client).await {
            return false;
        }
        if !told {
            tracing::warn!(reason = error.kind().to_str(), "redis lets nobody follow its news");
            told = true;
        }
        tokio::time::sleep(PAUSE).await;
    }
    // fred returns once it is written. What is answered after it tells that it stands.
    !pulse::is_any_silent(client).await
}

fn tell(news: &Sender<News>, message: &Message) {
    if let Some(bytes) = message.value.as_bytes() {
        // Nobody listening is no failure.
        drop(news.send(News::Message(bytes.to_vec().into())));
    }
}
