//! Owns: what PostgreSQL is asked, of sessions and of lists of them: one statement a call. What holds at once is held
//! by the statement itself.

pub(super) const EDGE_VIEW: &str = "SELECT edge FROM wicketgate_sessions
    WHERE key = $1 AND NOT ended AND expires_at > now()";

pub(super) const LOAD: &str = "SELECT edge, tokens, management, version FROM wicketgate_sessions
    WHERE key = $1 AND NOT ended AND expires_at > now()";

/// Over nothing: no key is given twice, and whoever ended the session has left word of it here, even before a statement
/// that an outage kept on its way.
pub(super) const CREATE: &str = "INSERT INTO wicketgate_sessions
        (key, edge, tokens, management, version, expires_at, keep_ms, look_at)
    VALUES ($1, $2, $3, $4, $5, now() + $6 * interval '1 ms', $6, now() + $7 * interval '1 ms')
    ON CONFLICT (key) DO NOTHING
    RETURNING 1::bigint";

/// 1: done. 0: another stands. -1: no such session. `changed` is what went before.
macro_rules! swapped {
    ($changed:literal) => {
        concat!(
            "WITH changed AS (",
            $changed,
            " RETURNING 1) SELECT CASE WHEN EXISTS (SELECT FROM changed) THEN 1::bigint
                WHEN EXISTS (SELECT FROM wicketgate_sessions
                    WHERE key = $1 AND NOT ended AND expires_at > now()) THEN 0 ELSE -1 END"
        )
    };
}

pub(super) const SLIDE: &str = swapped!(
    "UPDATE wicketgate_sessions SET edge = $3, expires_at = now() + $4 * interval '1 ms', keep_ms = $4,
        changed_at = now(), revision = revision + 1, owed = true, look_at = now()
    WHERE key = $1 AND NOT ended AND expires_at > now() AND edge = $2"
);

pub(super) const REPLACE: &str = swapped!(
    "UPDATE wicketgate_sessions SET edge = $4, tokens = $5, management = $6, version = $7,
        expires_at = now() + $8 * interval '1 ms', keep_ms = $8, changed_at = now(),
        revision = revision + 1, owed = true, look_at = now(),
        intent_attempt = NULL, intent_since = NULL, intent_owner = NULL
    WHERE key = $1 AND NOT ended AND expires_at > now() AND version = $2 AND edge = $3"
);

pub(super) const REPLACE_TOKENS: &str = swapped!(
    "UPDATE wicketgate_sessions SET tokens = $3, changed_at = now(), revision = revision + 1, owed = true,
        look_at = now()
    WHERE key = $1 AND NOT ended AND expires_at > now() AND tokens = $2"
);

pub(super) const DELETE_VERSION: &str = swapped!(
    "UPDATE wicketgate_sessions SET ended = true, edge = '', tokens = '', management = '',
        expires_at = now() + $3 * interval '1 ms', changed_at = now(), revision = revision + 1,
        owed = true, look_at = now()
    WHERE key = $1 AND NOT ended AND expires_at > now() AND version = $2"
);

/// The answers are those of Redis's script of that name.
pub(super) const INTEND: &str = "WITH was AS (
        SELECT version, intent_attempt AS attempt, intent_since AS since, intent_owner AS owner
        FROM wicketgate_sessions WHERE key = $1 AND NOT ended AND expires_at > now() FOR UPDATE
    ), decided AS (
        SELECT attempt, CASE WHEN version <> $2 THEN 0::bigint
            WHEN attempt IS NULL THEN 1
            WHEN owner = $3 THEN attempt
            WHEN attempt = 1 AND now() - since < $4 * interval '1 ms' THEN 2
            ELSE 3 END AS answer FROM was
    ), written AS (
        UPDATE wicketgate_sessions SET intent_attempt = answer, intent_owner = $3,
            intent_since = CASE WHEN attempt IS NULL THEN now() ELSE intent_since END
        FROM decided WHERE key = $1 AND answer IN (1, 2)
    ) SELECT coalesce((SELECT answer FROM decided), -1)";

/// Of a second attempt the first one stays, nobody's.
pub(super) const FORGET_INTENT: &str = "UPDATE wicketgate_sessions SET
        intent_attempt = CASE intent_attempt WHEN 2 THEN 1 END, intent_owner = '',
        intent_since = CASE intent_attempt WHEN 2 THEN intent_since END
    WHERE key = $1 AND NOT ended AND intent_owner = $2";

/// Also where there was none: what may yet come back from elsewhere has ended too.
pub(super) const TAKE: &str = "WITH was AS (
        SELECT edge, tokens, management, version FROM wicketgate_sessions
        WHERE key = $1 AND NOT ended AND expires_at > now() FOR UPDATE
    ), ended AS (
        INSERT INTO wicketgate_sessions AS s
            (key, edge, tokens, management, version, ended, expires_at, keep_ms, owed, look_at)
        VALUES ($1, '', '', '', '\\x0000000000000000', true, now() + $2 * interval '1 ms', $2, true, now())
        ON CONFLICT (key) DO UPDATE SET ended = true, edge = '', tokens = '', management = '',
            expires_at = excluded.expires_at, changed_at = now(), revision = s.revision + 1,
            owed = true, look_at = now()
    ) SELECT edge, tokens, management, version FROM was";

pub(super) const INDEX_ADD: &str = "INSERT INTO wicketgate_lists AS l (name, key, expires_at)
    VALUES ($1, $2, now() + $3 * interval '1 ms')
    ON CONFLICT (name, key) DO UPDATE SET expires_at = greatest(l.expires_at, excluded.expires_at)";

pub(super) const INDEX_REMOVE: &str =
    "DELETE FROM wicketgate_lists WHERE name = $1 AND key = ANY($2)";

pub(super) const INDEX_LIST: &str =
    "SELECT key FROM wicketgate_lists WHERE name = $1 AND expires_at > now()
    ORDER BY expires_at, listed";

pub(super) const COUNT: &str =
    "SELECT count(*) FROM wicketgate_sessions WHERE NOT ended AND expires_at > now()";
