//! Owns: Redis as the durable store calls it, several times in one call: fred's futures are kilobytes each, so each lives
//! in a box.

use crate::any::spans;
use crate::redis::RedisStore;

/// The store that answers.
#[derive(Debug, Clone)]
pub struct FastStore(RedisStore);

impl FastStore {
    /// Closes the connection.
    pub(crate) async fn close(&self) {
        self.0.close().await;
    }
}

impl From<RedisStore> for FastStore {
    fn from(store: RedisStore) -> Self {
        Self(store)
    }
}

macro_rules! hand_on {
    ($self:ident.$call:ident($($argument:expr),*)) => {{
        let span = spans::begin(stringify!($call));
        spans::end(span, Box::pin($self.0.$call($($argument),*)).await)
    }};
}

delegate! {
    FastStore, hand_on,
    store {
        async fn load(&self, key: &StoreKey) -> Result<Option<StoredSession>, StoreError> {
            hand_on!(self.load(key))
        }

        async fn edge_view(&self, key: &StoreKey) -> Result<Option<Bytes>, StoreError> {
            hand_on!(self.edge_view(key))
        }
    }
    shelf {
        fn follow(&self) -> broadcast::Receiver<News> {
            self.0.follow()
        }
    }
}
