//! Owns: the tables, and bringing a database to them. `docs/SESSION-FORMAT.md` describes them.

use sqlx::{Acquire as _, PgConnection};

/// Each brings the tables from one version to the next, in one transaction. What was released is never edited.
const MIGRATIONS: [&str; 1] = ["
CREATE TABLE wicketgate_sessions (
    key bytea PRIMARY KEY CHECK (length(key) = 32),
    edge bytea NOT NULL,
    tokens bytea NOT NULL,
    management bytea NOT NULL,
    version bytea NOT NULL CHECK (length(version) = 8),
    ended boolean NOT NULL DEFAULT false,
    expires_at timestamptz NOT NULL,
    keep_ms bigint NOT NULL,
    changed_at timestamptz NOT NULL DEFAULT now(),
    revision bigint NOT NULL DEFAULT 1,
    owed boolean NOT NULL DEFAULT false,
    look_at timestamptz,
    intent_attempt bigint,
    intent_since timestamptz,
    intent_owner text
);
CREATE INDEX wicketgate_sessions_look_at ON wicketgate_sessions (look_at) WHERE look_at IS NOT NULL;
CREATE INDEX wicketgate_sessions_expires_at ON wicketgate_sessions (expires_at);
CREATE INDEX wicketgate_sessions_changed_at ON wicketgate_sessions (changed_at);
CREATE TABLE wicketgate_lists (
    name text NOT NULL,
    key bytea NOT NULL,
    expires_at timestamptz NOT NULL,
    listed bigint GENERATED ALWAYS AS IDENTITY,
    PRIMARY KEY (name, key)
);
CREATE INDEX wicketgate_lists_expires_at ON wicketgate_lists (expires_at);
CREATE TABLE wicketgate_notes (
    name text PRIMARY KEY,
    text bytea NOT NULL,
    expires_at timestamptz
);
CREATE INDEX wicketgate_notes_expires_at ON wicketgate_notes (expires_at) WHERE expires_at IS NOT NULL;
"];

/// Any number that no other program is likely to lock.
const LOCK: i64 = 0x7769_636b_6574;

/// Tables may take longer than anything else does, and so may another replica that makes them.
const PATIENCE: &str = "SET LOCAL statement_timeout = '1min'";

/// Brings the tables to the newest version. Replicas that start together wait for each other; a database that a
/// newer release has migrated is left as it is.
///
/// # Errors
/// What PostgreSQL says; then nothing was changed.
pub(super) async fn migrate(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    let mut transaction = connection.begin().await?;
    sqlx::raw_sql(PATIENCE).execute(&mut *transaction).await?;
    sqlx::query("SELECT pg_advisory_xact_lock($1)").bind(LOCK).execute(&mut *transaction).await?;
    // Asked first, so that a user who may create nothing can use tables that are there.
    let (known,): (bool,) = sqlx::query_as("SELECT to_regclass('wicketgate_schema') IS NOT NULL")
        .fetch_one(&mut *transaction)
        .await?;
    if !known {
        let create = "CREATE TABLE wicketgate_schema (version bigint NOT NULL)";
        sqlx::raw_sql(create).execute(&mut *transaction).await?;
    }
    let (version,): (i64,) =
        sqlx::query_as("SELECT coalesce(max(version), 0) FROM wicketgate_schema")
            .fetch_one(&mut *transaction)
            .await?;
    let done = usize::try_from(version).unwrap_or(usize::MAX);
    for (migration, number) in MIGRATIONS.iter().zip(1_i64..).skip(done) {
        sqlx::raw_sql(*migration).execute(&mut *transaction).await?;
        let note = "INSERT INTO wicketgate_schema VALUES ($1)";
        sqlx::query(note).bind(number).execute(&mut *transaction).await?;
        tracing::info!(version = number, "session tables migrated");
    }
    transaction.commit().await
}
