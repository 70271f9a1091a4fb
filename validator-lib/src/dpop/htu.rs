//! Owns: the form in which two `htu` values are compared: without query and fragment, after syntax-
//! and scheme-based normalisation (RFC 9449 section 4.3, RFC 3986 sections 6.2.2 and 6.2.3).

/// The normal form of an `http` or `https` URL, or nothing where it is no plain one.
///
/// User information, a backslash and characters outside ASCII are refused: parsers disagree on them.
pub(crate) fn normalised(url: &str) -> Option<String> {
    if !url.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\') {
        return None;
    }
    let url = url.split(['?', '#']).next()?;
    let (scheme, rest) = url.split_once("://")?;
    let scheme = scheme.to_ascii_lowercase();
    let default_port = match scheme.as_str() {
        "http" => "80",
        "https" => "443",
        _ => return None,
    };
    let (authority, path) = match rest.find('/') {
        Some(slash) => rest.split_at_checked(slash)?,
        None => (rest, "/"),
    };
    let authority = authority_without_default_port(authority, default_port)?;
    Some(format!("{scheme}://{authority}{}", without_dot_segments(&unescaped(path)?)))
}

fn authority_without_default_port(authority: &str, default_port: &str) -> Option<String> {
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, port),
        _ => (authority, ""),
    };
    let bracketed = host.strip_prefix('[').and_then(|inner| inner.strip_suffix(']'));
    let plausible = match bracketed {
        Some(address) => address.bytes().all(|b| b.is_ascii_hexdigit() || b == b':' || b == b'.'),
        None => host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~".contains(&b)),
    };
    let port_is_number = port.len() <= 5 && port.bytes().all(|byte| byte.is_ascii_digit());
    if host.is_empty() || !plausible || !port_is_number {
        return None;
    }
    let host = host.to_ascii_lowercase();
    if port.is_empty() || port == default_port {
        Some(host)
    } else {
        Some(format!("{host}:{port}"))
    }
}

/// Escapes of unreserved characters resolved, all others in upper case.
fn unescaped(path: &str) -> Option<String> {
    let mut parts = path.split('%');
    let mut plain = parts.next()?.to_owned();
    for part in parts {
        let (digits, rest) = part.split_at_checked(2)?;
        if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        let byte = u8::from_str_radix(digits, 16).ok()?;
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            plain.push(char::from(byte));
        } else {
            plain.push('%');
            plain.push_str(&digits.to_ascii_uppercase());
        }
        plain.push_str(rest);
    }
    Some(plain)
}

fn without_dot_segments(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    let mut segments = path.split('/').skip(1).peekable();
    while let Some(segment) = segments.next() {
        let last = segments.peek().is_none();
        match segment {
            "." => {}
            ".." => {
                kept.pop();
            }
            _ => {
                kept.push(segment);
                continue;
            }
        }
        if last {
            kept.push("");
        }
    }
    format!("/{}", kept.join("/"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::normalised;

    #[test]
    fn spellings_of_one_url_are_the_same() {
        for (url, expected) in [
            ("https://a.example", "https://a.example/"),
            ("https://a.example/", "https://a.example/"),
            ("HTTPS://A.Example:443/", "https://a.example/"),
            ("https://a.example:/x", "https://a.example/x"),
            ("http://a.example:80/x", "http://a.example/x"),
            ("https://a.example:8443/x", "https://a.example:8443/x"),
            ("https://a.example/x?q=1#f", "https://a.example/x"),
            ("https://a.example?q=/y", "https://a.example/"),
            ("https://a.example#/y", "https://a.example/"),
            ("https://a.example/%7eb/%2f", "https://a.example/~b/%2F"),
            ("https://a.example/a/./b/../c", "https://a.example/a/c"),
            ("https://a.example/a/%2e%2e/c", "https://a.example/c"),
            ("https://a.example/../../c", "https://a.example/c"),
            ("https://a.example/a/..", "https://a.example/"),
            ("https://a.example/a/.", "https://a.example/a/"),
            ("https://a.example/a//b", "https://a.example/a//b"),
            ("http://[::1]:8080/x", "http://[::1]:8080/x"),
            ("http://[2001:DB8::1]/x", "http://[2001:db8::1]/x"),
        ] {
            assert_eq!(normalised(url).as_deref(), Some(expected), "{url}");
        }
    }

    #[test]
    fn different_urls_stay_different() {
        let base = normalised("https://a.example/orders");
        for url in [
            "http://a.example/orders",
            "https://a.example/orders/",
            "https://a.example/Orders",
            "https://a.example//orders",
            "https://a.example:444/orders",
            "https://b.example/orders",
            "https://a.example.evil.example/orders",
            "https://a.example./orders",
        ] {
            assert_ne!(normalised(url), base, "{url}");
        }
    }

    #[test]
    fn what_parsers_disagree_on_has_no_normal_form() {
        for url in [
            "",
            "a",
            "/orders",
            "//a.example/",
            "ftp://a.example/",
            "https:/a.example/",
            "https://",
            "https:///x",
            "https://u@a.example/",
            "https://a.example@evil.example/",
            "https://a.example\\@evil.example/",
            "https://a.example/%",
            "https://a.example/%2",
            "https://a.example/%zz",
            "https://a.example/%+1",
            "https://a.example/a b",
            "https://a.example/\u{e9}",
            "https://\u{e9}.example/",
            "https://a.example:x/",
            "https://a.example:1:2/",
            "https://[::1",
            "https://[g::1]/",
            "https://a.example:123456/",
        ] {
            assert_eq!(normalised(url), None, "{url}");
        }
    }

    proptest! {
        #[test]
        fn the_normal_form_is_a_fixed_point(path in "[a-z%./A-F0-9]{0,40}") {
            if let Some(once) = normalised(&format!("https://a.example/{path}")) {
                prop_assert_eq!(normalised(&once), Some(once.clone()));
            }
        }

        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,60}") {
            drop(normalised(&text));
            drop(normalised(&format!("https://{text}")));
        }
    }
}
