//! Owns: the class of `Authorization` headers (RFC 9110 section 11.6.2, RFC 6750 section 2, RFC 9449 section
//! 7.1). A token counts in one such header and nowhere else. White space around the value is left out: it is
//! no part of it, and a server takes it away.

use super::{Cases, Request};

pub(super) fn cases(c: &mut Cases<'_>) {
    absent(c);
    elsewhere(c);
    schemes(c);
    forms(c);
    doubled(c);
}

/// A good request with another `Authorization`.
fn with(c: &Cases<'_>, token: &str, value: impl AsRef<[u8]>) -> Request {
    c.scene.send(token).only("authorization", value)
}

fn absent(c: &mut Cases<'_>) {
    let token = c.mint().sign();
    c.missing("authorization-absent", c.scene.bare());
    c.missing("known-auth0-211-no-credentials-are-no-bad-request", c.scene.bare());
    c.missing("authorization-empty", c.scene.bare().header("authorization", ""));
    c.missing("authorization-token-alone", with(c, &token, &token));
    for (name, value) in [
        ("basic", "Basic YWxpY2U6c2VjcmV0".to_owned()),
        ("basic-with-a-token", format!("Basic {token}")),
        ("basic-then-bearer", format!("Basic YTpi, Bearer {token}")),
        ("digest", "Digest username=\"alice\", realm=\"x\"".to_owned()),
        ("negotiate", "Negotiate YII".to_owned()),
        ("jwt", format!("JWT {token}")),
        ("token", format!("Token {token}")),
        ("oauth", format!("OAuth {token}")),
        ("mac", format!("MAC id=\"{token}\"")),
        ("bearer-with-more", format!("Bearer2 {token}")),
        ("bearer-cut", format!("Beare {token}")),
        ("bearer-with-colon", format!("Bearer: {token}")),
        ("bearer-with-tab", format!("Bearer\t{token}")),
        ("bearer-with-equals", format!("Bearer={token}")),
        ("bearer-run-together", format!("Bearer{token}")),
        ("bearer-quoted", format!("\"Bearer {token}\"")),
        ("bearer-fullwidth", format!("\u{ff22}earer {token}")),
        ("dpop-with-more", format!("DPoP2 {token}")),
        ("dpop-with-tab", format!("DPoP\t{token}")),
    ] {
        c.missing(format!("authorization-scheme-{name}"), with(c, &token, value));
    }
}

/// A token in another place than the header (RFC 6750 sections 2.2 and 2.3, and worse).
fn elsewhere(c: &mut Cases<'_>) {
    let token = c.mint().sign();
    let path = c.scene.service.path.clone();
    let query = |name: &str| {
        let mut request = c.scene.bare();
        request.target = format!("{path}?{name}={token}");
        request
    };
    c.missing("authorization-in-the-query", query("access_token"));
    c.missing("authorization-in-the-query-as-token", query("token"));
    let bearer = format!("Bearer {token}");
    for (name, header, value) in [
        ("cookie", "cookie", format!("access_token={token}")),
        ("cookie-authorization", "cookie", format!("Authorization=Bearer {token}")),
        ("proxy-authorization", "proxy-authorization", bearer.clone()),
        ("x-authorization", "x-authorization", bearer.clone()),
        ("x-access-token", "x-access-token", token.clone()),
        ("x-forwarded-access-token", "x-forwarded-access-token", token.clone()),
        ("websocket-protocol", "sec-websocket-protocol", format!("bearer, {token}")),
    ] {
        let request = c.scene.bare().header(header, value);
        c.missing(format!("authorization-in-{name}"), request);
    }
    let mut form = c.scene.bare().header("content-type", "application/x-www-form-urlencoded");
    form.body = format!("access_token={token}");
    c.missing("authorization-in-the-body", form);
    let mut json = c.scene.bare().header("content-type", "application/json");
    json.body = format!("{{\"access_token\":\"{token}\"}}");
    c.missing("authorization-in-a-json-body", json);
}

/// Schemes compare without regard to case.
fn schemes(c: &mut Cases<'_>) {
    let name = c.scene.service.scheme().name();
    let mixed: String = name
        .chars()
        .enumerate()
        .map(|(at, c)| if at % 2 == 0 { c.to_ascii_lowercase() } else { c.to_ascii_uppercase() })
        .collect();
    for (spelling, scheme) in [
        ("as-registered", name.to_owned()),
        ("lower-case", name.to_ascii_lowercase()),
        ("upper-case", name.to_ascii_uppercase()),
        ("mixed-case", mixed),
    ] {
        let token = c.mint().sign();
        let request = with(c, &token, format!("{scheme} {token}"));
        c.accept_request(format!("authorization-scheme-{spelling}"), request);
    }
    for (name, spaces) in [("two-spaces", "  "), ("many-spaces", "          ")] {
        let token = c.mint().sign();
        let scheme = c.scene.service.scheme().name();
        let request = with(c, &token, format!("{scheme}{spaces}{token}"));
        c.accept_request(format!("authorization-{name}"), request);
    }
}

fn forms(c: &mut Cases<'_>) {
    let token = c.mint().sign();
    let scheme = c.scene.service.scheme().name();
    for (name, value) in [
        ("scheme-alone", scheme.to_owned()),
        ("scheme-twice", format!("{scheme} {scheme} {token}")),
        ("two-tokens", format!("{token} {token}")),
        ("token-and-parameter", format!("{token} realm=\"x\"")),
        ("token-comma-token", format!("{token},{token}")),
        ("comma-joined-headers", format!("{token}, {scheme} {token}")),
        ("comma-before", format!(", {token}")),
        ("comma-after", format!("{token},")),
        ("named-token", format!("token=\"{token}\"")),
        ("tab-before", format!("\t{token}")),
        ("space-inside", token.replacen('.', ". ", 1)),
        ("quoted", format!("\"{token}\"")),
        ("in-brackets", format!("[{token}]")),
        ("in-braces", format!("{{{token}}}")),
        ("template", "{{access_token}}".to_owned()),
        ("undefined", "[object Object]".to_owned()),
        ("percent", token.replacen('.', "%2e", 1)),
        ("utf-8", format!("{token}\u{e9}")),
    ] {
        let value = if name.starts_with("scheme") { value } else { format!("{scheme} {value}") };
        let request = with(c, &token, value);
        c.malformed_request(format!("authorization-{name}"), request, "authorization_malformed");
    }
    for (name, words) in [("null", "null"), ("undefined-word", "undefined"), ("a-dash", "-")] {
        let request = with(c, &token, format!("{scheme} {words}"));
        c.refuse_request(format!("authorization-{name}"), request, "token_not_three_parts");
    }
    let latin = [scheme.as_bytes(), b" ", token.as_bytes(), b"\xe9"].concat();
    c.malformed_request(
        "authorization-not-utf-8",
        with(c, &token, latin),
        "authorization_malformed",
    );
    let bytes = with(c, &token, b"\xff\xfe\xfd");
    c.malformed_request("authorization-of-bytes", bytes, "authorization_malformed");
    let scheme_of_bytes = [b"B\xe9arer ", token.as_bytes()].concat();
    let request = with(c, &token, scheme_of_bytes);
    c.malformed_request("authorization-scheme-of-bytes", request, "authorization_malformed");
}

/// Two headers: nobody knows which of them another program on the way has looked at.
fn doubled(c: &mut Cases<'_>) {
    let token = c.mint().sign();
    let scheme = c.scene.service.scheme().name();
    for (name, other) in [
        ("the-same", format!("{scheme} {token}")),
        ("another-token", format!("{scheme} {}", c.mint().subject("bob").sign())),
        ("basic", "Basic YTpi".to_owned()),
        ("empty", String::new()),
    ] {
        let request = c.scene.send(&token).header("authorization", &other);
        c.malformed_request(
            format!("authorization-twice-{name}-behind"),
            request,
            "authorization_doubled",
        );
        let request = with(c, &token, &other).header("authorization", format!("{scheme} {token}"));
        c.malformed_request(
            format!("authorization-twice-{name}-before"),
            request,
            "authorization_doubled",
        );
    }
    let many = (0..50).fold(c.scene.send(&token), |request, _| {
        request.header("authorization", format!("{scheme} {token}"))
    });
    c.malformed_request("authorization-fifty-times", many, "authorization_doubled");
}
