//! Owns: the choice of a store at start, from `REDIS_URL`.

pub(crate) mod spans;

#[cfg(feature = "postgres")]
use crate::durable::DurableStore;
use crate::memory::MemoryStore;
use crate::redis::RedisStore;
use crate::tracking::TrackedEdges;

/// The store that the configuration names.
#[derive(Debug, Clone)]
pub enum AnyStore {
    /// Redis, alone, behind Sentinel, or as a Cluster.
    Redis(RedisStore),
    /// This process's memory.
    Memory(MemoryStore),
    /// Redis, and PostgreSQL, which remembers what Redis loses.
    #[cfg(feature = "postgres")]
    Durable(DurableStore),
    /// Memory that fails where a test tells it to.
    #[cfg(feature = "faulty")]
    Faulty(crate::faulty::FaultyStore),
}

/// Hands a call on to whichever store it is. fred's futures are kilobytes each, so they live in a box
/// and not in every future above; only the reads of every request do without.
macro_rules! hand_on {
    ($self:ident.$call:ident($($argument:expr),*)) => {
        match $self {
            Self::Redis(store) => {
                let span = spans::begin(stringify!($call));
                spans::end(span, Box::pin(store.$call($($argument),*)).await)
            }
            #[cfg(feature = "postgres")]
            Self::Durable(store) => Box::pin(store.$call($($argument),*)).await,
            Self::Memory(store) => store.$call($($argument),*).await,
            #[cfg(feature = "faulty")]
            Self::Faulty(store) => store.$call($($argument),*).await,
        }
    };
}

impl AnyStore {
    /// What is cached of the edge views read here, while the store vouches for it.
    pub fn tracked(&self) -> Option<&TrackedEdges> {
        match self {
            Self::Redis(store) => store.tracked(),
            Self::Memory(_) => None,
            #[cfg(feature = "postgres")]
            Self::Durable(_) => None,
            #[cfg(feature = "faulty")]
            Self::Faulty(_) => None,
        }
    }

    /// Closes the connection, if there is one.
    pub async fn close(&self) {
        match self {
            Self::Redis(store) => store.close().await,
            #[cfg(feature = "postgres")]
            Self::Durable(store) => {
                store.fast().close().await;
                store.kept().close().await;
            }
            Self::Memory(_) => {}
            #[cfg(feature = "faulty")]
            Self::Faulty(_) => {}
        }
    }
}

delegate! {
    AnyStore, hand_on,
    store {
        async fn load(&self, key: &StoreKey) -> Result<Option<StoredSession>, StoreError> {
            match self {
                Self::Redis(store) => {
                    let span = spans::begin("load");
                    spans::end(span, store.load(key).await)
                }
                #[cfg(feature = "postgres")]
                Self::Durable(store) => Box::pin(store.load(key)).await,
                Self::Memory(store) => store.load(key).await,
                #[cfg(feature = "faulty")]
                Self::Faulty(store) => store.load(key).await,
            }
        }

        async fn edge_view(&self, key: &StoreKey) -> Result<Option<Bytes>, StoreError> {
            match self {
                Self::Redis(store) => store.edge_view(key).await,
                #[cfg(feature = "postgres")]
                Self::Durable(store) => Box::pin(store.edge_view(key)).await,
                Self::Memory(store) => store.edge_view(key).await,
                #[cfg(feature = "faulty")]
                Self::Faulty(store) => store.edge_view(key).await,
            }
        }
    }
    shelf {
        fn follow(&self) -> broadcast::Receiver<News> {
            match self {
                Self::Redis(store) => store.follow(),
                #[cfg(feature = "postgres")]
                Self::Durable(store) => store.follow(),
                Self::Memory(store) => store.follow(),
                #[cfg(feature = "faulty")]
                Self::Faulty(store) => store.follow(),
            }
        }
    }
}
