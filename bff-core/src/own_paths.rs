//! Owns: which paths are ours, and never a service's.

/// Whether `path` is one of `routes::of_tenant`, or would be if there were such an endpoint.
pub(crate) fn is_of_tenant(path: &str) -> bool {
    let is_below = |own: &str| {
        path.strip_prefix(own).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    is_below("/auth") || is_below("/api/auth") || path == "/api/v1/metrics"
}

/// Whether `path` is one of `routes::of_nobody`.
pub(crate) fn is_of_nobody(path: &str) -> bool {
    matches!(path, "/auth/backchannel-logout" | "/.well-known/jwks.json" | "/health")
}
