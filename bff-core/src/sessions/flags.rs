//! Owns: the flags that administrators set on a user, from their note in the store into every session.
//!
//! The note is what counts; sessions hold a copy in their edge view, which verify reads anyway. Whoever
//! writes a copy reads the note after he read the view, and once more after he wrote: of two who do so
//! at once, the last has the last word, and it is the note's.

use bytes::Bytes;
use futures_util::future::join_all;
use serde::{Deserialize, Serialize};
use session::edge::EdgeView;
use session::flags::note_name;
use session::id::StoreKey;
use session::shelf::Shelf as _;
use session::store::{IndexKey, Store as _, StoreError, Swap};

use super::end::BATCH;
use super::keep_for;
use crate::app::App;
use crate::news::News;

/// Attempts to write one copy. Each that fails means that somebody else wrote.
const ATTEMPTS: u32 = 32;

/// What is held against a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Flags {
    /// Locked out for now. The verb is taken as well.
    #[serde(default, alias = "suspend")]
    pub suspended: bool,
    /// Locked out for good.
    #[serde(default, alias = "ban")]
    pub banned: bool,
}

impl Flags {
    /// Whether nothing is held against the user.
    pub(crate) fn is_good(self) -> bool {
        self == Self::default()
    }

    /// Reads a note. One that cannot be read locks out: it was put there for a reason.
    fn of_note(note: Option<&Bytes>) -> Self {
        let Some(note) = note else { return Self::default() };
        // serde takes a JSON array for a struct as well.
        let object = note.starts_with(b"{").then_some(note);
        let read = object.and_then(|note| serde_json::from_slice(note).ok());
        read.unwrap_or(Self { suspended: true, banned: false })
    }

    /// As the edge view holds them.
    fn text(self) -> Bytes {
        if self.is_good() {
            return Bytes::new();
        }
        serde_json::to_vec(&self).unwrap_or_default().into()
    }
}

/// What became of one copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Copied {
    Same,
    Changed,
    Gone,
}

impl App {
    /// The flags of a user.
    ///
    /// # Errors
    /// [`StoreError`] if the store is away.
    pub(crate) async fn flags(&self, user: &IndexKey) -> Result<Flags, StoreError> {
        self.store.note(&note_name(user)).await.map(|note| Flags::of_note(note.as_ref()))
    }

    /// Sets the flags of a user, for the sessions that exist and for those to come. Returns how many
    /// sessions changed.
    ///
    /// # Errors
    /// [`StoreError`] if the store is away; then some sessions may not know yet. It can be repeated.
    pub(crate) async fn set_flags(
        &self,
        user: &IndexKey,
        flags: Flags,
    ) -> Result<usize, StoreError> {
        let name = note_name(user);
        if flags.is_good() {
            self.store.remove_note(&name).await?;
        } else {
            self.store.put_note(&name, flags.text(), None).await?;
        }
        let mut changed = 0;
        for keys in self.store.index_list(user).await?.chunks(BATCH) {
            let copied = join_all(keys.iter().map(|key| self.copy_flags(key, user))).await;
            let mut news = Vec::new();
            for (key, copied) in keys.iter().zip(copied) {
                if copied? == Copied::Changed {
                    news.push(News::Changed { session: *key });
                }
            }
            self.tell(&news);
            changed += news.len();
        }
        Ok(changed)
    }

    /// Brings the session `key` up to what the note of its user says.
    ///
    /// # Errors
    /// [`StoreError`] if the store is away.
    pub(crate) async fn apply_flags(
        &self,
        key: &StoreKey,
        user: &IndexKey,
    ) -> Result<(), StoreError> {
        self.copy_flags(key, user).await.map(drop)
    }

    async fn copy_flags(&self, key: &StoreKey, user: &IndexKey) -> Result<Copied, StoreError> {
        let mut copied = Copied::Same;
        for _ in 0..ATTEMPTS {
            let Some(raw) = self.store.edge_view(key).await? else { return Ok(Copied::Gone) };
            let flags = self.flags(user).await?.text();
            let edge_keys = &self.config.clients.edge_keys;
            // A view that is not believed lets nobody in.
            let Ok(edge) = edge_keys.open(key, raw.clone()) else { return Ok(Copied::Gone) };
            if edge.master_flags() == flags {
                return Ok(copied);
            }
            let view = EdgeView { master_flags: flags, ..edge.to_view() };
            let Ok(new) = edge.reseal(key, &view) else { return Ok(Copied::Gone) };
            let keep = keep_for(view.idle_deadline().saturating_sub(self.now()));
            match self.store.slide(key, &raw, new, keep).await? {
                Swap::Done => copied = Copied::Changed,
                Swap::Stale => {}
                Swap::Gone => return Ok(Copied::Gone),
            }
        }
        // So many writers at once are none of ours.
        Err(StoreError::Refused("flags could not be written".to_owned()))
    }
}
