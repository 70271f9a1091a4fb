//! Owns: notes and tombstones in PostgreSQL, as far as they must outlive Redis, and the leases of its own.

use std::time::Duration;

use bytes::Bytes;
use sqlx::Row as _;

use super::{PostgresStore, bytes, milliseconds, unreadable};
use crate::store::{IndexKey, StoreError};

const PUT: &str = "INSERT INTO wicketgate_notes (name, text, expires_at)
    VALUES ($1, $2, now() + $3 * interval '1 ms')
    ON CONFLICT (name) DO UPDATE SET text = excluded.text, expires_at = excluded.expires_at";

const READ: &str =
    "SELECT text, ceil(extract(epoch FROM expires_at - now()) * 1000)::bigint AS remaining
    FROM wicketgate_notes WHERE name = $1 AND (expires_at IS NULL OR expires_at > now())";

/// Those that stay, in the order of their names.
const LASTING: &str = "SELECT name, text FROM wicketgate_notes
    WHERE expires_at IS NULL AND name > $1 ORDER BY name LIMIT $2";

const LEASE: &str = "INSERT INTO wicketgate_notes AS n (name, text, expires_at)
    VALUES ($1, $2, now() + $3 * interval '1 ms')
    ON CONFLICT (name) DO UPDATE SET text = excluded.text, expires_at = excluded.expires_at
    WHERE n.text = excluded.text OR n.expires_at <= now()
    RETURNING 1::bigint";

const NOTE: &str = "note:";
const OUT: &str = "out:";

impl PostgresStore {
    /// As [`crate::shelf::Shelf::put_note`].
    pub(crate) async fn put_note(
        &self,
        name: &str,
        text: &Bytes,
        keep: Option<Duration>,
    ) -> Result<(), StoreError> {
        self.put(&format!("{NOTE}{name}"), text, keep).await
    }

    /// As [`crate::shelf::Shelf::note`].
    pub(crate) async fn note(&self, name: &str) -> Result<Option<Bytes>, StoreError> {
        let name = format!("{NOTE}{name}");
        let rows = self.link.run(sqlx::query(READ).bind(&name)).await?;
        rows.first().map(|row| bytes(row, 0)).transpose()
    }

    /// As [`crate::shelf::Shelf::remove_note`].
    pub(crate) async fn remove_note(&self, name: &str) -> Result<(), StoreError> {
        let name = format!("{NOTE}{name}");
        let remove = sqlx::query("DELETE FROM wicketgate_notes WHERE name = $1").bind(&name);
        self.link.run(remove).await.map(drop)
    }

    /// At most `most` notes that stay, those whose names come after `after`.
    pub(crate) async fn lasting_notes(
        &self,
        after: &str,
        most: i64,
    ) -> Result<Vec<(String, Bytes)>, StoreError> {
        let after = format!("{NOTE}{after}");
        let rows = self.link.run(sqlx::query(LASTING).bind(&after).bind(most)).await?;
        rows.iter()
            .map(|row| {
                let name: &str = row.try_get(0).map_err(|_| unreadable())?;
                Ok((name.trim_start_matches(NOTE).to_owned(), bytes(row, 1)?))
            })
            .collect()
    }

    /// As [`crate::shelf::Shelf::put_tombstone`].
    pub(crate) async fn put_tombstone(
        &self,
        index: &IndexKey,
        keep: Duration,
    ) -> Result<(), StoreError> {
        self.put(&format!("{OUT}{index}"), &Bytes::new(), Some(keep)).await
    }

    /// As [`crate::shelf::Shelf::tombstone`].
    pub(crate) async fn tombstone(&self, index: &IndexKey) -> Result<Option<Duration>, StoreError> {
        let name = format!("{OUT}{index}");
        let rows = self.link.run(sqlx::query(READ).bind(&name)).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        let remaining: i64 = row.try_get("remaining").map_err(|_| unreadable())?;
        Ok(u64::try_from(remaining).ok().map(Duration::from_millis))
    }

    /// Takes the lease `name` for `owner`, or keeps it. `false` if somebody else holds it.
    pub(crate) async fn lead(
        &self,
        name: &str,
        owner: &str,
        keep: Duration,
    ) -> Result<bool, StoreError> {
        let lease = sqlx::query(LEASE).bind(name).bind(owner.as_bytes()).bind(milliseconds(keep));
        self.link.run(lease).await.map(|rows| !rows.is_empty())
    }

    async fn put(
        &self,
        name: &str,
        text: &Bytes,
        keep: Option<Duration>,
    ) -> Result<(), StoreError> {
        let put = sqlx::query(PUT).bind(name).bind(&text[..]).bind(keep.map(milliseconds));
        self.link.run(put).await.map(drop)
    }
}
