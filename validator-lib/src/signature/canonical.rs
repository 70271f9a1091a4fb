//! Owns: the bytes that are signed. Two requests that differ have different bytes: each value is a line of
//! its own and holds no line break, the lines stand in a fixed order, and an absent value has no colon.

use super::{Content, Covered, NotCoverable, Version};

const V1: &[u8] = b"wicket-v1";
const UNSIGNED_BODY: &str = "UNSIGNED-BODY";

pub(super) fn bytes(
    version: Version,
    request: &Covered<'_>,
    content: &Content,
    timestamp: u64,
) -> Result<Vec<u8>, NotCoverable> {
    check(request)?;
    let timestamp = timestamp.to_string();
    let body = match (version, content) {
        (_, Content::Hash(hash)) => hex(hash),
        (Version::V1, Content::Unsigned) => UNSIGNED_BODY.to_owned(),
        (Version::V0, Content::Unsigned) => return Err(NotCoverable::UnsignedBody),
    };
    let &Covered { method, host, path, query, request_id, user_id, tenant_id, master_flags } =
        request;
    Ok(match version {
        Version::V0 => {
            let lines = [
                method.as_bytes(),
                path.as_bytes(),
                body.as_bytes(),
                request_id,
                timestamp.as_bytes(),
            ];
            lines.join(&b'\n')
        }
        Version::V1 => {
            let mut lines = V1.to_vec();
            for (name, value) in [
                ("method", Some(method.as_bytes())),
                ("host", Some(host.as_bytes())),
                ("path", Some(path.as_bytes())),
                ("query", query.map(str::as_bytes)),
                ("x-request-id", Some(request_id)),
                ("x-user-id", user_id),
                ("x-tenant-id", tenant_id),
                ("x-master-flags", master_flags),
                ("body", Some(body.as_bytes())),
                ("timestamp", Some(timestamp.as_bytes())),
            ] {
                lines.push(b'\n');
                lines.extend(name.as_bytes());
                if let Some(value) = value {
                    lines.push(b':');
                    lines.extend(value);
                }
            }
            lines
        }
    })
}

/// Refuses whatever HTTP would not carry as it stands here.
fn check(request: &Covered<'_>) -> Result<(), NotCoverable> {
    let method = request.method.as_bytes();
    if method.is_empty() || !method.iter().all(|byte| is_token(*byte)) {
        return Err(NotCoverable::Method);
    }
    if request.host.is_empty() || !request.host.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(NotCoverable::Host);
    }
    if !request.path.starts_with('/')
        || request.path.contains(['?', '#'])
        || !is_plain(request.path)
    {
        return Err(NotCoverable::Path);
    }
    if request.query.is_some_and(|query| query.contains('#') || !is_plain(query)) {
        return Err(NotCoverable::Query);
    }
    let values = [request.user_id, request.tenant_id, request.master_flags];
    let sound = !request.request_id.is_empty() && is_value(request.request_id);
    if !sound || !values.into_iter().flatten().all(is_value) {
        return Err(NotCoverable::Header);
    }
    Ok(())
}

/// RFC 9110 section 5.6.2.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

fn is_plain(text: &str) -> bool {
    !text.bytes().any(|byte| byte <= b' ' || byte == 0x7f)
}

/// RFC 9110 section 5.5. Spaces around a value would be lost on the way.
fn is_value(value: &[u8]) -> bool {
    let is_space = |byte: &u8| *byte == b' ' || *byte == b'\t';
    !value.first().is_some_and(is_space)
        && !value.last().is_some_and(is_space)
        && !value.iter().any(|byte| byte.is_ascii_control() && *byte != b'\t')
}

pub(super) fn hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from_digit(nibble.into(), 16).unwrap_or_default();
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// The bytes behind hexadecimal digits in lower case.
pub(super) fn unhex(text: &[u8]) -> Option<[u8; 32]> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let (pairs, []) = text.as_chunks::<2>() else { return None };
    if pairs.len() != 32 {
        return None;
    }
    let mut bytes = [0; 32];
    for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
        *byte = digit(*high)? << 4 | digit(*low)?;
    }
    Some(bytes)
}
