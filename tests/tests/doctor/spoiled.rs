//! The table: how the shipped files are spoiled, and what the doctor must find. Everything else must stay good.

use e2e::traefik::Files;

/// One way of spoiling.
pub(crate) struct Spoiled {
    pub(crate) name: &'static str,
    pub(crate) edit: fn(Files) -> Files,
    /// The checks that are bad or worth a look, in alphabetical order.
    pub(crate) finds: &'static [&'static str],
}

const fn spoiled(
    name: &'static str,
    finds: &'static [&'static str],
    edit: fn(Files) -> Files,
) -> Spoiled {
    Spoiled { name, edit, finds }
}

const AUTH: &str = "        - wicketgate-auth{{ if $policy }}-{{ $policy }}{{ end }}\n";
const WEBSECURE: &str = "  websecure:\n    address: \":443\"\n";

pub(crate) const ALL: [Spoiled; 42] = [
    spoiled("a router without ForwardAuth", &["open-page"], |files| files.without(AUTH)),
    spoiled("a twin for OPTIONS", &["admin-without-auth", "method-bypass"], |files| {
        files.router("twin", "PathPrefix(`/app/`) && Method(`OPTIONS`)", "protected")
    }),
    spoiled("a twin for health checks", &["admin-without-auth", "header-bypass"], |files| {
        let rule = "PathPrefix(`/app/`) && HeaderRegexp(`User-Agent`, `HealthChecker`)";
        files.router("twin", rule, "protected")
    }),
    spoiled("a twin without a host", &["admin-without-auth", "host-bypass"], |files| {
        files
            .router("twin", "PathPrefix(`/app/`)", "protected")
            .swap("      priority: 900", "      priority: 2")
    }),
    spoiled(
        "the exact path, and the service at all others",
        &["admin-without-auth", "path-bypass"],
        |files| {
            files
                .swap(
                    "PathPrefix(`/app/{{ if",
                    "(Path(`/app/page`) || PathPrefix(`/app/echo`)) && PathPrefix(`/app/{{ if",
                )
                .swap("      service: spa\n", "      service: protected\n")
        },
    ),
    spoiled("encoded slashes", &["encoded-path"], |files| {
        files.swap("allowEncodedSlash: false", "allowEncodedSlash: true")
    }),
    spoiled(
        "a twin for WebSockets",
        &["admin-without-auth", "websocket-bypass", "websocket-origin"],
        |files| {
            files.router(
                "twin",
                "PathPrefix(`/app/`) && Header(`Upgrade`, `websocket`)",
                "protected",
            )
        },
    ),
    spoiled("verify is not told of origins", &["admin-question", "websocket-origin"], |files| {
        files
            .without("          - Origin\n")
            .without("          - Sec-Fetch-Mode\n")
            .without("          - Sec-Fetch-Dest\n")
            .without("          - Sec-Fetch-Site\n")
    }),
    spoiled("verify at the edge", &["admin-verify-routed", "verify-reachable"], |files| {
        let service = "\n    verify:\n      loadBalancer: { serversTransport: lax, servers: [{ url: {{ env \"WICKETGATE_FORWARDAUTH_URL\" | quote }} }] }\n  serversTransports:\n    lax: { insecureSkipVerify: true }\n";
        files
            .swap("middlewares: [not-found]\n      service: bff", "service: verify")
            .append(service)
    }),
    spoiled(
        "metrics of Traefik at the edge",
        &["admin-internal-routed", "internal-reachable"],
        |files| {
            files.swap("prometheus: { entryPoint: internal", "prometheus: { entryPoint: websecure")
        },
    ),
    spoiled("the admin listener of the BFF at the edge", &["internal-reachable"], |files| {
        let service = "\n    admin:\n      loadBalancer: { servers: [{ url: {{ env \"BFF_ADMIN\" | quote }} }] }\n";
        files
            .router("admin", "PathPrefix(`/internal/`) || PathPrefix(`/health/`)", "admin")
            .append(service)
    }),
    spoiled("the API of Traefik at the edge", &["admin-internal-routed", "traefik-api"], |files| {
        files.swap("api: { dashboard: false }", "api: { dashboard: true }").router(
            "api",
            "PathPrefix(`/api/version`) || PathPrefix(`/api/rawdata`) || PathPrefix(`/dashboard`)",
            "api@internal",
        )
    }),
    spoiled(
        "no strip-identity",
        &["admin-strip", "forwarded-believed", "spoofed-identity"],
        |files| {
            files.without("      middlewares: [strip-identity@file]     # on every router, also on those without ForwardAuth\n")
        },
    ),
    spoiled("strip-identity without one name", &["spoofed-identity"], |files| {
        files.without("          X-Original-Url: \"\"\n")
    }),
    spoiled("a client's Authorization", &["admin-answer", "spoofed-identity"], |files| {
        files.swap(
            "          - X-Master-Flags\n          - Authorization\n",
            "          - X-Master-Flags\n",
        )
    }),
    spoiled(
        "aliases of header names",
        &["admin-alias", "forwarded-believed", "spoofed-identity"],
        |files| {
            files.without(
            "      aliasHeadersStrategy: delete           # X_User_ID, X.User.ID and their kind\n",
        )
        },
    ),
    spoiled(
        "everybody's forwarding headers",
        &["admin-forwarded", "forwarded-believed", "websocket-origin"],
        |files| files.entry("    forwardedHeaders: { insecure: true }\n"),
    ),
    spoiled("Connection may name ours", &["admin-forwarded", "dropped-identity"], |files| {
        files.entry("    forwardedHeaders: { connection: [X-User-Id] }\n")
    }),
    spoiled(
        "one identity header is not handed on",
        &["admin-answer", "missing-identity"],
        |files| files.without("          - X-User-Roles\n"),
    ),
    spoiled("a pattern for identity headers", &["admin-answer", "missing-identity"], |files| {
        files.without("          - X-User-ID\n").swap(
            "        authResponseHeaders:\n",
            "        authResponseHeadersRegex: ^X-User-ID$\n        authResponseHeaders:\n",
        )
    }),
    spoiled("the session's cookie is handed on", &["session-cookie-passed"], |files| {
        let chain = format!("{AUTH}        - rate-user\n");
        files.swap(&format!("{chain}        - drop-cookies\n"), &chain)
    }),
    spoiled("identity headers in answers", &["identity-leak"], |files| {
        files.last("          X-User-ID: \"\"\n", "")
    }),
    spoiled(
        "Traefik rewrites the way to the login",
        &["admin-location", "login-redirect"],
        |files| files.without("        preserveLocationHeader: true\n"),
    ),
    spoiled("refusals are cached", &["cacheable-refusal"], |files| {
        files.swap(
            "          Server: \"\"\n",
            "          Server: \"\"\n          Cache-Control: \"public, max-age=60\"\n",
        )
    }),
    spoiled("no policy for content", &["csp"], |files| {
        // Those of `protected`; other routers have the same.
        let chain = "(ne $policy \"\") }}\n      middlewares:\n        - security-headers\n";
        files.swap(&format!("{chain}        - content-security\n"), chain)
    }),
    spoiled("no policy for content at /", &["csp"], |files| {
        files.swap("[security-headers, content-security, rate-ip, ", "[security-headers, rate-ip, ")
    }),
    spoiled("scripts in the page", &["csp"], |files| {
        files.swap("script-src 'self'", "script-src 'self' 'unsafe-inline'")
    }),
    spoiled("no HSTS", &["hsts"], |files| files.without("        stsSeconds: 31536000\n")),
    spoiled("browsers guess types", &["nosniff"], |files| {
        files.without("        contentTypeNosniff: true\n")
    }),
    spoiled("frames of others", &["framing"], |files| {
        files.without("        frameDeny: true\n").swap("; frame-ancestors 'none'", "")
    }),
    spoiled("addresses told to others", &["referrer-policy"], |files| {
        files.without("        referrerPolicy: strict-origin-when-cross-origin\n")
    }),
    spoiled("a sticky cookie for scripts", &["cookie-attributes"], |files| {
        files.swap(
            "    bff:\n      loadBalancer:\n",
            "    bff:\n      loadBalancer:\n        sticky: { cookie: { name: lb } }\n",
        )
    }),
    spoiled("every origin may read", &["cors"], |files| {
        files.swap("        accessControlAllowMethods", "        accessControlAllowOriginListRegex: [\".*\"]\n        accessControlAllowMethods")
    }),
    spoiled("plain HTTP", &["plain-http"], |files| {
        files
            .without("      redirections: { entryPoint: { to: websecure, scheme: https } }\n")
            .swap("    bff-browser:\n", "    plain: { entryPoints: [web], rule: \"PathPrefix(`/`)\", service: spa }\n    bff-browser:\n")
    }),
    spoiled("old TLS", &["old-tls"], |files| files.swap("VersionTLS12", "VersionTLS10")),
    spoiled("headers of any size", &["header-size"], |files| {
        files.without(
            "      maxHeaderBytes: 32768                  # all of it is sent again to verify\n",
        )
    }),
    spoiled("verify does not get the cookie", &["admin-question", "session"], |files| {
        files.without("          - Cookie\n")
    }),
    spoiled("ForwardAuth around the tries", &["admin-order"], |files| {
        files
            .swap(
                "        - retry-connect\n      service: protected\n",
                "      service: protected\n",
            )
            .swap(AUTH, &format!("        - retry-connect\n{AUTH}"))
    }),
    spoiled("verify's answers of any size", &["admin-body"], |files| {
        files.without("        maxResponseBodySize: 8192\n")
    }),
    spoiled(
        "verify loses the client's address",
        &["admin-question", "websocket-origin"],
        |files| files.without("        trustForwardHeader: true\n"),
    ),
    spoiled("verify's certificate is not checked", &["admin-transport"], |files| {
        files.swap("tls: { ca: {{", "tls: { insecureSkipVerify: true, ca: {{")
    }),
    spoiled("a middleware that does not exist", &["admin-refused"], |files| {
        files
            .router("twin", "Path(`/twin`)", "spa")
            .swap("      priority: 900\n", "      priority: 900\n      middlewares: [none]\n")
    }),
];

/// Small edits; each finds its place exactly once, in one of the two files.
pub(crate) trait Edit {
    fn swap(self, from: &str, to: &str) -> Self;
    fn without(self, line: &str) -> Self;
    fn last(self, from: &str, to: &str) -> Self;
    fn append(self, text: &str) -> Self;
    fn router(self, name: &str, rule: &str, service: &str) -> Self;
    fn entry(self, lines: &str) -> Self;
}

impl Edit for Files {
    fn swap(self, from: &str, to: &str) -> Self {
        let Self { fixed, dynamic } = self;
        let found = (fixed.matches(from).count(), dynamic.matches(from).count());
        match found {
            (1, 0) => Self { fixed: fixed.replacen(from, to, 1), dynamic },
            (0, 1) => Self { dynamic: dynamic.replacen(from, to, 1), fixed },
            _ => panic!("{from}: found {found:?} times"),
        }
    }

    fn without(self, line: &str) -> Self {
        self.swap(line, "")
    }

    /// The last of several in the dynamic file.
    fn last(mut self, from: &str, to: &str) -> Self {
        let at = self.dynamic.rfind(from).expect("it is there");
        self.dynamic.replace_range(at..at + from.len(), to);
        self
    }

    /// At the end of the services.
    fn append(mut self, text: &str) -> Self {
        self.dynamic = self.dynamic.trim_end().to_owned() + text;
        self
    }

    /// A router of high priority, with nothing before its service.
    fn router(self, name: &str, rule: &str, service: &str) -> Self {
        let router = format!(
            "    {name}:\n      entryPoints: [websecure]\n      rule: \"{rule}\"\n      priority: 900\n      service: {service}\n    bff-browser:\n"
        );
        self.swap("    bff-browser:\n", &router)
    }

    /// More of the public entry point.
    fn entry(self, lines: &str) -> Self {
        self.swap(WEBSECURE, &format!("{WEBSECURE}{lines}"))
    }
}
