//! Owns: options about the store of sessions.

use super::Known;
use crate::import::redis;

pub(super) const OPTIONS: &[Known] = &[
    Known::while_is(
        "session_store_type",
        &["redis"],
        "sessions lie in Redis",
        "sessions lie in Redis, and not in the cookie: set REDIS_URL",
    ),
    Known::read("redis_connection_url", |_, given, made| redis::address(given, made)),
    Known::read("redis_username", |_, given, made| redis::address(given, made)),
    Known::read("redis_password", |_, given, made| redis::address(given, made)),
    Known::read("redis_use_sentinel", |_, given, made| redis::address(given, made)).switch(),
    Known::read("redis_sentinel_master_name", |_, given, made| redis::address(given, made)),
    Known::read("redis_sentinel_password", |_, given, made| redis::address(given, made)),
    Known::read("redis_sentinel_connection_urls", |_, given, made| redis::address(given, made)),
    Known::read("redis_use_cluster", |_, given, made| redis::address(given, made)).switch(),
    Known::read("redis_cluster_connection_urls", |_, given, made| redis::address(given, made)),
    Known::to("redis_ca_path", "REDIS_TLS_CA"),
    Known::off("redis_insecure_skip_tls_verify", "name the authority of Redis in REDIS_TLS_CA"),
    Known::gone(
        "redis_connection_idle_timeout",
        "connections are watched, and made anew where Redis closed one",
    ),
];
