//! Owns: the URLs of proofs. Spellings that RFC 3986 section 6.2 calls equal are one URL; query and fragment
//! do not count (RFC 9449 section 4.3, check 9); the origin is the one the service was told, whatever the
//! request says of itself.

use super::Cases;

pub(super) fn cases(c: &mut Cases<'_>, token: &str) {
    let url = c.scene.service.url();
    for (name, htu) in same(&url) {
        let request = c.scene.prove(token, c.scene.proof(token).claim("htu", htu).sign());
        c.accept_request(format!("proof-htu-{name}"), request);
    }
    for (name, htu) in others(&url) {
        let request = c.scene.prove(token, c.scene.proof(token).claim("htu", htu).sign());
        c.refuse_proof(format!("proof-check-9-htu-{name}"), request, "dpop_htu");
    }
    requests(c, token);
}

struct Parts<'a> {
    scheme: &'a str,
    authority: &'a str,
    /// With its slash.
    path: &'a str,
}

fn parts(url: &str) -> Parts<'_> {
    let (scheme, rest) = url.split_once("://").unwrap_or(("https", url));
    let (authority, path) =
        rest.split_at_checked(rest.find('/').unwrap_or(rest.len())).unwrap_or((rest, ""));
    Parts { scheme, authority, path }
}

fn same(url: &str) -> Vec<(&'static str, String)> {
    let Parts { scheme, authority, path } = parts(url);
    let origin = format!("{scheme}://{authority}");
    let port = if scheme == "http" { 80 } else { 443 };
    let mut all = vec![
        ("as-it-is", url.to_owned()),
        ("query-after", format!("{url}?page=2")),
        ("empty-query-after", format!("{url}?")),
        ("fragment-after", format!("{url}#top")),
        ("query-with-slashes", format!("{url}?next=/../x")),
        ("scheme-capital", format!("{}://{authority}{path}", scheme.to_ascii_uppercase())),
        ("host-capital", format!("{scheme}://{}{path}", authority.to_ascii_uppercase())),
        ("dot-segment", format!("{origin}/.{path}")),
        ("two-dot-segments", format!("{origin}/x/..{path}")),
        ("two-dots-above-the-root", format!("{origin}/..{path}")),
        ("dot-segments-escaped", format!("{origin}/x/%2e%2E{path}")),
    ];
    if !authority.contains(':') {
        all.push(("default-port", format!("{origin}:{port}{path}")));
        all.push(("empty-port", format!("{origin}:{path}")));
    }
    if !path.contains('%')
        && let Some((at, letter)) = path.char_indices().find(|(_, c)| c.is_ascii_alphanumeric())
        && let (Some(before), Some(after)) = (path.get(..at), path.get(at + 1..))
    {
        all.push(("letter-escaped", format!("{origin}{before}%{:02x}{after}", u32::from(letter))));
    }
    all
}

fn others(url: &str) -> Vec<(&'static str, String)> {
    let Parts { scheme, authority, path } = parts(url);
    let other = if scheme == "https" { "http" } else { "https" };
    let host = authority.split(':').next().unwrap_or_default();
    let all = vec![
        ("empty", String::new()),
        ("path-alone", path.to_owned()),
        ("without-scheme", format!("{authority}{path}")),
        ("of-any-scheme", format!("//{authority}{path}")),
        ("scheme", format!("{other}://{authority}{path}")),
        ("scheme-unknown", format!("ftp://{authority}{path}")),
        ("scheme-with-one-slash", format!("{scheme}:/{authority}{path}")),
        ("host", format!("{scheme}://attacker.example{path}")),
        ("host-behind", format!("{scheme}://{authority}.attacker.example{path}")),
        ("host-before", format!("{scheme}://x.{authority}{path}")),
        ("host-with-dot", format!("{scheme}://{host}.{path}")),
        ("host-cyrillic", format!("{scheme}://\u{430}{authority}{path}")),
        ("host-missing", format!("{scheme}://{path}")),
        ("port", format!("{scheme}://{host}:4433{path}")),
        (
            "port-of-the-other-scheme",
            format!("{scheme}://{host}:{}{path}", if scheme == "https" { 80 } else { 443 }),
        ),
        ("port-no-number", format!("{scheme}://{host}:x{path}")),
        ("port-too-large", format!("{scheme}://{host}:654430{path}")),
        ("port-with-zero-before", format!("{scheme}://{host}:0443{path}")),
        ("userinfo", format!("{scheme}://user@{authority}{path}")),
        ("userinfo-of-ours", format!("{scheme}://{authority}@attacker.example{path}")),
        ("backslash", format!("{scheme}://attacker.example\\@{authority}{path}")),
        ("path-of-another", format!("{scheme}://{authority}/no-such-path")),
        ("path-longer", format!("{url}x")),
        ("path-with-slash-after", format!("{url}/")),
        ("path-with-two-slashes", format!("{scheme}://{authority}/{path}")),
        ("path-in-capitals", format!("{scheme}://{authority}{}", path.to_ascii_uppercase())),
        (
            "path-slash-escaped",
            format!("{scheme}://{authority}/%2F{}", path.trim_start_matches('/')),
        ),
        ("path-escaped-twice", format!("{scheme}://{authority}/%2578{path}")),
        ("path-bad-escape", format!("{url}%zz")),
        ("path-cut-escape", format!("{url}%2")),
        ("path-parameter", format!("{url};x=1")),
        ("path-with-space", format!("{url} ")),
        ("path-with-nul", format!("{url}%00")),
        ("path-not-ascii", format!("{url}\u{e9}")),
        ("dots-beyond", format!("{url}/../../no-such-path")),
        ("two-urls", format!("{url} {url}")),
        ("wildcard", format!("{scheme}://{authority}/*")),
    ];
    // The root has no slash to lose, and some paths have no letters.
    all.into_iter().filter(|(_, htu)| !same(url).iter().any(|(_, same)| same == htu)).collect()
}

/// What the request says of itself moves nothing.
fn requests(c: &mut Cases<'_>, token: &str) {
    let elsewhere = format!("https://attacker.example{}", c.scene.service.path);
    for (name, header, value) in [
        ("host", "host", "attacker.example"),
        ("x-forwarded-host", "x-forwarded-host", "attacker.example"),
        ("forwarded", "forwarded", "host=attacker.example;proto=https"),
        ("x-original-url", "x-original-url", "https://attacker.example/"),
    ] {
        let proof = c.scene.proof(token).claim("htu", elsewhere.as_str()).sign();
        let request = c.scene.prove(token, proof).header(header, value);
        c.refuse_proof(format!("proof-check-9-htu-of-{name}"), request, "dpop_htu");
        let proof = c.scene.proof(token).sign();
        let request = c.scene.prove(token, proof).header(header, value);
        c.accept_request(format!("known-spring-17202-behind-a-proxy-with-{name}"), request);
    }
    let mut request = c.scene.prove(token, c.scene.proof(token).sign());
    request.target = format!("{}?page=2&x=/", request.target);
    c.accept_request("proof-htu-of-a-request-with-query", request);
}
