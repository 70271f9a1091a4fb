//! Owns: what replicas tell each other of sessions (docs/SESSION-FORMAT.md, "News"), and telling it.
//!
//! News are a courtesy: they make open streams end at once and caches forget early. Nobody is promised
//! that they arrive, so nothing that protects a user rests on them.

use std::borrow::Cow;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use session::id::StoreKey;
use session::shelf::Shelf as _;

use crate::app::App;
use crate::step_up::StepUp;

/// What became of one session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum News {
    /// It has ended.
    Ended {
        /// Which one.
        #[serde(with = "reference")]
        session: StoreKey,
        /// Why, as in the audit event `session.revoked`.
        reason: Cow<'static, str>,
    },
    /// It has new tokens.
    Refreshed {
        /// Which one.
        #[serde(with = "reference")]
        session: StoreKey,
    },
    /// What is known of its user has changed: the master flags.
    Changed {
        /// Which one.
        #[serde(with = "reference")]
        session: StoreKey,
    },
    /// A service asks for a fresher or stronger login of its user.
    #[serde(rename = "step_up")]
    StepUp {
        /// Which one.
        #[serde(with = "reference")]
        session: StoreKey,
        /// Which login.
        #[serde(flatten)]
        asked: StepUp,
    },
}

impl News {
    /// A session ended.
    pub const fn ended(session: StoreKey, reason: &'static str) -> Self {
        Self::Ended { session, reason: Cow::Borrowed(reason) }
    }

    /// Which session it is about.
    pub const fn session(&self) -> &StoreKey {
        match self {
            Self::Ended { session, .. }
            | Self::Refreshed { session }
            | Self::Changed { session }
            | Self::StepUp { session, .. } => session,
        }
    }

    /// One message for all of `news`: a JSON array.
    pub fn to_bytes(news: &[Self]) -> Bytes {
        serde_json::to_vec(news).unwrap_or_default().into()
    }

    /// What a message tells. Whatever we cannot read is left out: another version may know more kinds.
    pub fn parse(message: &[u8]) -> Vec<Self> {
        let told: Vec<Value> = serde_json::from_slice(message).unwrap_or_default();
        told.into_iter().filter_map(|news| serde_json::from_value(news).ok()).collect()
    }
}

impl App {
    /// Tells all replicas, this one included, without anybody waiting.
    pub fn tell(&self, news: &[News]) {
        if news.is_empty() {
            return;
        }
        let (store, message) = (self.store.clone(), News::to_bytes(news));
        self.shutdown.spawn(async move {
            if let Err(error) = store.publish(message).await {
                tracing::debug!(reason = error.reason(), "news not told");
            }
        });
    }
}

/// A session by its reference, the text form of its store key.
mod reference {
    use std::borrow::Cow;

    use serde::{Deserialize, Deserializer, Serializer, de};
    use session::id::StoreKey;

    pub(super) fn serialize<S: Serializer>(key: &StoreKey, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(key)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<StoreKey, D::Error> {
        let text = Cow::<'_, str>::deserialize(from)?;
        StoreKey::parse(&text).ok_or_else(|| de::Error::custom("is no reference of a session"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use session::id::SessionId;

    fn key(byte: u8) -> StoreKey {
        SessionId::from_random([byte; 32]).store_key()
    }

    fn asked(acr_values: Option<&str>, max_age: Option<&str>) -> StepUp {
        StepUp::new(acr_values, max_age).unwrap()
    }

    /// Replicas of two versions stand side by side while a deployment rolls.
    #[test]
    fn golden_form_of_news() {
        let news = [
            News::ended(key(1), "logout"),
            News::Refreshed { session: key(2) },
            News::Changed { session: key(3) },
            News::StepUp { session: key(4), asked: asked(Some("gold silver"), Some("60")) },
            News::StepUp { session: key(5), asked: asked(None, Some("0")) },
        ];
        let expected = serde_json::json!([
            { "type": "ended", "session": key(1).to_string(), "reason": "logout" },
            { "type": "refreshed", "session": key(2).to_string() },
            { "type": "changed", "session": key(3).to_string() },
            {
                "type": "step_up", "session": key(4).to_string(),
                "acr_values": "gold silver", "max_age": 60,
            },
            { "type": "step_up", "session": key(5).to_string(), "max_age": 0 },
        ]);
        let message = News::to_bytes(&news);
        assert_eq!(serde_json::from_slice::<Value>(&message).unwrap(), expected);
        assert_eq!(News::parse(&message), news);
    }

    #[test]
    fn what_cannot_be_read_is_left_out_and_the_rest_counts() {
        let message = format!(
            r#"[{{"type":"later"}}, 7, {{"type":"ended","session":"short","reason":"x"}},
                {{"type":"refreshed","session":"{}","more":1}}]"#,
            key(2)
        );
        assert_eq!(News::parse(message.as_bytes()), [News::Refreshed { session: key(2) }]);
        let session = key(1);
        let step_up =
            |asked: &str| format!(r#"[{{"type":"step_up","session":"{session}",{asked}}}]"#);
        let long = format!(r#""acr_values":"{}""#, "x".repeat(321));
        for asked in [r#""acr_values":null"#, r#""acr_values":"a\nb""#, r#""max_age":-1"#, &long] {
            assert!(News::parse(step_up(asked).as_bytes()).is_empty(), "{asked}");
        }
        for junk in ["", "{}", "null", "\u{0}", "[[]]"] {
            assert!(News::parse(junk.as_bytes()).is_empty(), "{junk:?}");
        }
    }
}
