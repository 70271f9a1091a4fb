//! Owns: what is asked of rows as copies of what Redis has: those that are to be held against it, and how they are
//! brought to it.

use std::time::Duration;

use sqlx::Row as _;
use sqlx::postgres::PgRow;

use super::{
    PostgresStore, SECOND_LOOK_MS, about, milliseconds, store_key, stored, unreadable, version,
    with_parts,
};
use crate::id::StoreKey;
use crate::store::{IndexKey, StoreError, StoredSession};

/// A row, as it is to be compared with Redis.
pub(crate) struct Copy {
    pub(crate) key: StoreKey,
    /// `None` once it ended.
    pub(crate) session: Option<StoredSession>,
    /// How long it is kept still; nothing once its time is over.
    pub(crate) remaining: Duration,
    /// How long it was kept for when it was written.
    pub(crate) keep: Duration,
    /// Redis was not told.
    pub(crate) owed: bool,
    /// Counts every change of the row.
    pub(crate) revision: i64,
}

/// A row in the order in which they were changed.
pub(crate) struct Changed {
    /// PostgreSQL's, since 1970.
    microseconds: i64,
    key: StoreKey,
}

macro_rules! columns {
    ($rest:literal) => {
        concat!(
            "SELECT key, edge, tokens, management, version, ended, owed, revision, keep_ms,
                greatest(0, ceil(extract(epoch FROM expires_at - now()) * 1000))::bigint AS remaining
            FROM wicketgate_sessions ",
            $rest
        )
    };
}

const ONE: &str = columns!("WHERE key = $1");
const DUE: &str = columns!("WHERE look_at <= now() ORDER BY look_at LIMIT $1");
const LIVE_AFTER: &str =
    columns!("WHERE key > $1 AND NOT ended AND expires_at > now() ORDER BY key LIMIT $2");

/// What Redis has is newer or the same, and never older.
const KEEP_UP: &str = "UPDATE wicketgate_sessions SET
        edge = $2, tokens = $3, management = $4, version = $5,
        expires_at = CASE WHEN edge = $2 THEN expires_at ELSE now() + keep_ms * interval '1 ms' END,
        changed_at = now(), revision = revision + 1, owed = false, look_at = now() + $7 * interval '1 ms'
    WHERE key = $1 AND revision = $6 AND NOT ended AND version <= $5
    RETURNING 1::bigint";

const STORED: &str = "UPDATE wicketgate_sessions SET
        edge = $2, tokens = $3, management = $4, version = $5,
        expires_at = now() + $6 * interval '1 ms', keep_ms = $6, changed_at = now(),
        revision = revision + 1, owed = false, look_at = now() + $7 * interval '1 ms'
    WHERE key = $1 AND NOT ended AND version < $5";

const LOOKED_AT: &str = "UPDATE wicketgate_sessions SET owed = false,
        look_at = now() + $3 * interval '1 ms'
    WHERE key = $1 AND revision = $2";

/// Redis may have lost what it was told since. What is due already is let be, so what an error leaves undone is all
/// that is done the next time. The answer is the last of a full batch.
const LOOK_AGAIN: &str = "WITH seen AS (
        SELECT key, changed_at FROM wicketgate_sessions WHERE (changed_at, key) >
            (coalesce('epoch'::timestamptz + $2 * interval '1 microsecond', now() - $1 * interval '1 ms'), $3)
        ORDER BY changed_at, key LIMIT $4
    ), made_due AS (
        UPDATE wicketgate_sessions SET look_at = now()
        WHERE key = ANY (ARRAY(SELECT key FROM seen)) AND coalesce(look_at > now(), true)
    ) SELECT key, (extract(epoch FROM changed_at) * 1000000)::bigint AS changed_at
        FROM seen ORDER BY seen.changed_at, key OFFSET $4 - 1";

/// By all keys, since no index knows those that ended.
const LOOK_AT_ENDED: &str = "WITH seen AS (
        SELECT key FROM wicketgate_sessions WHERE key > $1 ORDER BY key LIMIT $2
    ), made_due AS (
        UPDATE wicketgate_sessions SET look_at = now()
        WHERE key = ANY (ARRAY(SELECT key FROM seen)) AND ended AND coalesce(look_at > now(), true)
    ) SELECT key FROM seen ORDER BY key OFFSET $2 - 1";

const ENDED_UP_TO: &str = "UPDATE wicketgate_sessions SET ended = true, edge = '', tokens = '',
        management = '', expires_at = now() + $3 * interval '1 ms', changed_at = now(),
        revision = revision + 1, owed = false, look_at = now() + $4 * interval '1 ms'
    WHERE key = $1 AND NOT ended AND version <= $2";

const LISTED_AFTER: &str = "SELECT name, key,
        greatest(0, ceil(extract(epoch FROM expires_at - now()) * 1000))::bigint AS remaining
    FROM wicketgate_lists WHERE (name, key) > ($1, $2) AND expires_at > now()
    ORDER BY name, key LIMIT $3";

/// A session that lives on in Redis alone is found by the next look, for an hour after its time was thought over.
const SWEEP: [&str; 3] = [
    "DELETE FROM wicketgate_sessions WHERE key IN (SELECT key FROM wicketgate_sessions
        WHERE expires_at < now() - interval '1 hour' ORDER BY expires_at LIMIT $1)",
    "DELETE FROM wicketgate_lists WHERE (name, key) IN (SELECT name, key FROM wicketgate_lists
        WHERE expires_at < now() ORDER BY expires_at LIMIT $1)",
    "DELETE FROM wicketgate_notes WHERE name IN (SELECT name FROM wicketgate_notes
        WHERE expires_at < now() ORDER BY expires_at LIMIT $1)",
];

impl PostgresStore {
    /// The row of `key`.
    pub(crate) async fn copy(&self, key: &StoreKey) -> Result<Option<Copy>, StoreError> {
        self.link.run(about(ONE, key)).await?.first().map(copy).transpose()
    }

    /// At most `most` rows that are due to be compared.
    pub(crate) async fn due(&self, most: i64) -> Result<Vec<Copy>, StoreError> {
        self.link.run(sqlx::query(DUE).bind(most)).await?.iter().map(copy).collect()
    }

    /// At most `most` sessions that live, those whose keys come after `after`.
    pub(crate) async fn live_after(
        &self,
        after: &[u8],
        most: i64,
    ) -> Result<Vec<Copy>, StoreError> {
        let asked = sqlx::query(LIVE_AFTER).bind(after).bind(most);
        self.link.run(asked).await?.iter().map(copy).collect()
    }

    /// Makes the row of `revision` what Redis has. Where it was used meanwhile it is kept from now on as long as it was
    /// kept before. `false` if the row was changed meanwhile: then both have to be read again.
    pub(crate) async fn keep_up(
        &self,
        key: &StoreKey,
        session: &StoredSession,
        revision: i64,
        next_look: Duration,
    ) -> Result<bool, StoreError> {
        let keep_up = with_parts(about(KEEP_UP, key), session).bind(revision);
        let keep_up = keep_up.bind(milliseconds(next_look));
        self.link.run(keep_up).await.map(|rows| !rows.is_empty())
    }

    /// Writes what Redis took in place of an older version. A session that ended meanwhile stays ended.
    pub(crate) async fn stored(
        &self,
        key: &StoreKey,
        session: &StoredSession,
        keep: Duration,
    ) -> Result<(), StoreError> {
        let stored = with_parts(about(STORED, key), session).bind(milliseconds(keep));
        self.link.run(stored.bind(SECOND_LOOK_MS)).await.map(drop)
    }

    /// The row of `revision` agrees with Redis.
    pub(crate) async fn looked_at(
        &self,
        key: &StoreKey,
        revision: i64,
        next_look: Option<Duration>,
    ) -> Result<(), StoreError> {
        let looked_at = about(LOOKED_AT, key).bind(revision).bind(next_look.map(milliseconds));
        self.link.run(looked_at).await.map(drop)
    }

    /// Makes due what was changed in the last `period`: at most `most` rows, those that come after `after`. Returns the
    /// last of them where there may be more.
    pub(crate) async fn look_again(
        &self,
        period: Duration,
        after: Option<&Changed>,
        most: i64,
    ) -> Result<Option<Changed>, StoreError> {
        let look = sqlx::query(LOOK_AGAIN).bind(milliseconds(period));
        let look = look.bind(after.map(|after| after.microseconds));
        let look = look.bind(after.map_or(&[][..], |after| after.key.as_bytes())).bind(most);
        let rows = self.link.run(look).await?;
        let last = rows.first().map(|row| {
            let microseconds = row.try_get("changed_at").map_err(|_| unreadable())?;
            Ok(Changed { microseconds, key: store_key(row, 0)? })
        });
        last.transpose()
    }

    /// Makes due what ended among at most `most` rows, those whose keys come after `after`: a Redis that was put back to
    /// an older state may have it. Returns the last of them where there may be more.
    pub(crate) async fn look_at_ended(
        &self,
        after: Option<&StoreKey>,
        most: i64,
    ) -> Result<Option<StoreKey>, StoreError> {
        let after = after.map_or(&[][..], |after| after.as_bytes());
        let rows = self.link.run(sqlx::query(LOOK_AT_ENDED).bind(after).bind(most)).await?;
        rows.first().map(|row| store_key(row, 0)).transpose()
    }

    /// A session whose tokens are of version `expected` or older ended in Redis.
    pub(crate) async fn ended_up_to(
        &self,
        key: &StoreKey,
        expected: u64,
    ) -> Result<(), StoreError> {
        let ended = about(ENDED_UP_TO, key).bind(version(expected));
        let ended = ended.bind(milliseconds(self.keep_ended)).bind(SECOND_LOOK_MS);
        self.link.run(ended).await.map(drop)
    }

    /// At most `most` entries of lists, in order, those after `after`; and how long they are kept still.
    pub(crate) async fn listed_after(
        &self,
        after: &(String, Vec<u8>),
        most: i64,
    ) -> Result<Vec<(IndexKey, StoreKey, Duration)>, StoreError> {
        let listed = sqlx::query(LISTED_AFTER).bind(&after.0).bind(&after.1).bind(most);
        let rows = self.link.run(listed).await?;
        rows.iter()
            .map(|row| {
                let name: &str = row.try_get(0).map_err(|_| unreadable())?;
                Ok((IndexKey::of_name(name), store_key(row, 1)?, duration(row, "remaining")?))
            })
            .collect()
    }

    /// Throws away at most `most` rows of each kind whose time is over.
    pub(crate) async fn sweep(&self, most: i64) -> Result<(), StoreError> {
        for statement in SWEEP {
            self.link.run(sqlx::query(statement).bind(most)).await?;
        }
        Ok(())
    }
}

fn copy(row: &PgRow) -> Result<Copy, StoreError> {
    let ended: bool = row.try_get("ended").map_err(|_| unreadable())?;
    Ok(Copy {
        key: store_key(row, 0)?,
        session: if ended { None } else { Some(stored(row)?) },
        remaining: duration(row, "remaining")?,
        keep: duration(row, "keep_ms")?,
        owed: row.try_get("owed").map_err(|_| unreadable())?,
        revision: row.try_get("revision").map_err(|_| unreadable())?,
    })
}

fn duration(row: &PgRow, column: &str) -> Result<Duration, StoreError> {
    let milliseconds: i64 = row.try_get(column).map_err(|_| unreadable())?;
    Ok(Duration::from_millis(u64::try_from(milliseconds).unwrap_or_default()))
}
