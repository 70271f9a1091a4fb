//! Owns: which paths are ours, and never a service's.

/// Whether `path` is one of `routes::of_tenant`, or would be if there were such an endpoint.
pub(crate) fn is_of_tenant(path: &str) -> bool {
    let is_below = |own: &str| {
        path.strip_prefix(own).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    is_below("/auth") || is_below("/api/auth") || path == "/api/v1/metrics"
}

/// The pattern by which the router knows `path`, if it does.
pub(crate) fn route_of(path: &str) -> Option<&'static str> {
    const ROUTES: [&str; 12] = [
        "/auth/login",
        "/auth/callback",
        "/auth/logout",
        "/api/auth/logout",
        "/api/auth/session",
        "/api/auth/refresh",
        "/api/auth/events",
        "/api/auth/sessions",
        "/api/v1/metrics",
        "/auth/backchannel-logout",
        "/.well-known/jwks.json",
        "/health",
    ];
    if path.starts_with("/api/auth/sessions/") {
        return Some("/api/auth/sessions/{reference}");
    }
    ROUTES.into_iter().find(|route| *route == path)
}

/// Whether `path` is one of `routes::of_nobody`.
pub(crate) fn is_of_nobody(path: &str) -> bool {
    matches!(path, "/auth/backchannel-logout" | "/.well-known/jwks.json" | "/health")
}
