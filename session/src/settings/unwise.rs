//! Owns: telling of settings of both programs that work, and that no attacker would mind.

use shell::config::Settings;
use shell::forwarded::TrustedProxies;

use crate::binding::{BindingPolicy, Grade};
use crate::redis::{RedisOptions, Way};

pub(super) fn redis(settings: &mut Settings, options: &RedisOptions) {
    let Some(Way { is_loopback: false, is_encrypted, has_password }) = options.way() else {
        return;
    };
    if !is_encrypted {
        settings.warn(
            "REDIS_URL",
            "is not TLS: its password and all sessions pass unencrypted between hosts",
            "Use rediss://, with REDIS_TLS_CA for an authority of your own.",
        );
    }
    if !has_password {
        settings.warn(
            "REDIS_URL",
            "has no password: whoever reaches Redis can end and count sessions",
            "Give the programs a Redis user of their own (docs/SESSION-FORMAT.md).",
        );
    }
}

pub(super) fn trusted(settings: &mut Settings, name: &str, trusted: &TrustedProxies) {
    if trusted.is_everybody() {
        settings.warn(
            name,
            "holds all addresses: whoever reaches this program says who the client is and which host was asked",
            "List the networks of your proxies alone.",
        );
    }
}

pub(super) fn binding(settings: &mut Settings, policy: BindingPolicy) {
    if policy.user_agent.max(policy.ip) < Grade::Reauth {
        settings.warn(
            "BFF_BINDING_UA, BFF_BINDING_IP",
            "refuse nobody: a stolen cookie works from anywhere",
            "Use reauth or deny for one of them.",
        );
    }
}
