//! Owns: the class of tokens that the same issuer signs for something else (RFC 9068 section 4, RFC 8725 section
//! 3.11): the signature is good, the token is not meant for a service.

use serde_json::json;

use super::Cases;

pub(super) fn cases(c: &mut Cases<'_>) {
    others(c);
    spellings(c);
}

fn others(c: &mut Cases<'_>) {
    let now = c.scene.issuer.now();
    let jwt = || c.mint().header("typ", "JWT");
    let id_token = || jwt().claim("nonce", "n").claim("at_hash", "h").claim("auth_time", now);
    let logout = json!({"http://schemas.openid.net/event/backchannel-logout": {}});
    let event = json!({"https://schemas.openid.net/secevent/caep/event-type/session-revoked": {}});
    for (name, mint) in [
        ("id-token", id_token()),
        ("id-token-without-typ", id_token().without_header("typ")),
        ("id-token-by-its-own-typ", id_token().header("typ", "id_token+jwt")),
        ("jwt", jwt()),
        ("without-typ", c.mint().without_header("typ")),
        ("logout-token", c.mint().header("typ", "logout+jwt").claim("events", logout.clone())),
        ("logout-token-as-jwt", jwt().claim("events", logout)),
        ("security-event", c.mint().header("typ", "secevent+jwt").claim("events", event)),
        ("refresh-token", jwt().claim("typ", "Refresh")),
        ("refresh-token-by-its-own-typ", c.mint().header("typ", "rt+jwt")),
        ("context-token", c.mint().header("typ", "wicket-context+jwt")),
        ("introspection-answer", c.mint().header("typ", "token-introspection+jwt")),
        ("client-assertion", c.mint().header("typ", "client-authentication+jwt")),
        ("request-object", c.mint().header("typ", "oauth-authz-req+jwt")),
        ("transaction-token", c.mint().header("typ", "txntoken+jwt")),
        ("entity-statement", c.mint().header("typ", "entity-statement+jwt")),
        ("verifiable-credential", c.mint().header("typ", "dc+sd-jwt")),
        ("proof-without-key", c.mint().header("typ", "dpop+jwt")),
    ] {
        c.refuse(format!("type-{name}"), &mint.sign(), "token_type");
    }
    let key = c.scene.client.signing().bare_jwk();
    let proof = c.mint().header("typ", "dpop+jwt").header("jwk", key);
    c.refuse("type-proof", &proof.sign(), "token_header_forbidden");
    let token = c.mint().sign();
    let own = c.scene.proof(&token).claim("iss", c.scene.issuer.url()).sign();
    c.refuse("type-proof-of-the-client", &own, "token_header_forbidden");
}

/// `typ` is a media type: no case, `application/` may be left out, and nothing else.
fn spellings(c: &mut Cases<'_>) {
    for (name, typ) in [
        ("space-after", "at+jwt "),
        ("space-before", " at+jwt"),
        ("parameter", "at+jwt;charset=utf-8"),
        ("text-type", "text/at+jwt"),
        ("application-twice", "application/application/at+jwt"),
        ("application-alone", "application/"),
        ("slash-before", "/at+jwt"),
        ("longer", "at+jwtx"),
        ("shorter", "at+jw"),
        ("suffix-alone", "+jwt"),
        ("minus", "at-jwt"),
        ("percent-encoded", "at%2Bjwt"),
        ("space-for-plus", "at jwt"),
        ("list", "at+jwt,JWT"),
        ("nul-after", "at+jwt\0"),
        ("fullwidth-plus", "at\u{ff0b}jwt"),
        ("empty", ""),
    ] {
        c.refuse(format!("type-spelled-{name}"), &c.mint().header("typ", typ).sign(), "token_type");
    }
    for (name, typ) in [
        ("upper-case", "AT+JWT"),
        ("mixed-case", "At+Jwt"),
        ("application", "application/at+jwt"),
        ("application-in-capitals", "APPLICATION/AT+JWT"),
    ] {
        c.accept(format!("type-spelled-{name}"), &c.mint().header("typ", typ).sign());
    }
}
