//! Owns: which part of the demo answers a path; the routers of the shipped Traefik configuration.

/// Who answers a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Target {
    /// The Backend-for-Frontend.
    Bff,
    /// The service behind `ForwardAuth`.
    Whoami,
    /// The sample single-page application.
    Spa,
    /// The buttons that take parts away, if the demo has any; else the application.
    Chaos,
    /// Nobody: the path is for the proxy's own use.
    Nobody,
}

/// The target of what [`super::path::normalise`] made.
pub(super) fn target(path_and_query: &str) -> Target {
    let path = path_and_query.split('?').next().unwrap_or_default();
    if path.starts_with("/auth/verify") || path.starts_with("/auth/forward") {
        Target::Nobody
    } else if path.starts_with("/auth/")
        || path.starts_with("/api/")
        || matches!(path, "/health" | "/.well-known/jwks.json")
    {
        Target::Bff
    } else if path == "/whoami" || path.starts_with("/whoami/") {
        Target::Whoami
    } else if path.starts_with("/chaos/") {
        Target::Chaos
    } else {
        Target::Spa
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_verify_endpoints_are_reachable_in_no_spelling() {
        for path in [
            "/auth/verify",
            "/auth/verify/",
            "/auth/forward/deeper",
            "//auth//forward",
            "/auth/%76erify",
            "/api/../auth/verify",
        ] {
            let normal = super::super::path::normalise(path).expect("well-formed");
            assert_eq!(target(&normal), Target::Nobody, "{path}");
        }
    }

    #[test]
    fn the_most_specific_prefix_wins() {
        for (path, expected) in [
            ("/", Target::Spa),
            ("/app.js", Target::Spa),
            ("/authors", Target::Spa),
            ("/apis", Target::Spa),
            ("/whoamix", Target::Spa),
            ("/auth/login", Target::Bff),
            ("/api/orders", Target::Bff),
            ("/api/auth/session", Target::Bff),
            ("/whoami", Target::Whoami),
            ("/whoami?next=/api/", Target::Whoami),
            ("/?next=/auth/verify", Target::Spa),
            ("/whoami/deep/er", Target::Whoami),
            ("/chaos/", Target::Chaos),
            ("/chaos/state", Target::Chaos),
            ("/chaosx", Target::Spa),
        ] {
            assert_eq!(target(path), expected, "{path}");
        }
    }
}
