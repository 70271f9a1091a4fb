//! Owns: `path-bypass` and `encoded-path`: whether another spelling of the page's path opens it (class T2).

use super::super::ask::Ask;
use super::super::finding::{Check, Seen};
use super::super::site::{Reached, Site};
use super::super::wire::Failure;

pub(in super::super) const PATH_BYPASS: Check = Check {
    id: "path-bypass",
    asks: "the page without a cookie, in other spellings of its path: dots, double and encoded slashes, capital letters, `;`, a slash at the end",
    why: "Traefik routes the spelling past verify, and the service takes it for the page",
    fix: "\
http:
  routers:
    protected:
      rule: \"Host(`app.example.com`) && PathPrefix(`/app/`)\"   # PathPrefix, not Path; a service that is protected
      service: protected                                    # stands in no router without wicketgate-auth",
};

pub(in super::super) const ENCODED_PATH: Check = Check {
    id: "encoded-path",
    asks: "the page with an encoded slash, backslash, zero byte, hash, semicolon, question mark and percent sign in its path",
    why: "Traefik and the service may disagree on where such a path leads",
    fix: "\
entryPoints:
  websecure:
    http:
      encodedCharacters:
        allowEncodedSlash: false
        allowEncodedBackSlash: false
        allowEncodedNullCharacter: false
        allowEncodedSemicolon: false
        allowEncodedPercent: false
        allowEncodedQuestionMark: false
        allowEncodedHash: false",
};

pub(in super::super) async fn path_bypass(site: &Site) -> Result<Seen, Failure> {
    if site.is_open() {
        return Ok(Seen::unknown("not judged: the page is open as it is"));
    }
    let path = site.page.split('?').next().unwrap_or_default();
    let (mut found, mut unclear) = (Vec::new(), Vec::new());
    for target in spellings(path, &site.place.authority) {
        let answer = site.send(Ask::get(&target).scripted()).await?;
        let told = format!("{target} gets {}", answer.status);
        match site.reached(&answer) {
            Reached::Yes => found.push(told),
            Reached::Perhaps => unclear.push(told),
            Reached::No => {}
        }
    }
    if found.is_empty() && !unclear.is_empty() {
        let hint =
            "each page of the site answers differently; give --cookie-file, to tell them apart";
        return Ok(Seen::unknown(format!("{}: {hint}", unclear.join("; "))));
    }
    Ok(Seen::bad_if_any(&found, "no other spelling leads to the page"))
}

pub(in super::super) async fn encoded_path(site: &Site) -> Result<Seen, Failure> {
    let path = site.page.split('?').next().unwrap_or_default();
    let base = path.trim_end_matches('/');
    let mut found = Vec::new();
    for code in ["%2f", "%5c", "%00", "%23", "%3b", "%3f", "%25"] {
        let answer = site.send(Ask::get(format!("{base}{code}x")).scripted()).await?;
        if answer.status != 400 {
            found.push(format!("{code} gets {}", answer.status));
        }
    }
    Ok(Seen::warn_if_any(&found, "refused with 400"))
}

/// Paths that one server or another takes for `path`.
fn spellings(path: &str, authority: &str) -> Vec<String> {
    let inner = path.trim_start_matches('/');
    let trimmed = path.trim_end_matches('/');
    let mut all = vec![
        format!("//{inner}"),
        format!("/./{inner}"),
        format!("/%2e/{inner}"),
        format!("/x/../{inner}"),
        format!("/x/%2e%2e/{inner}"),
        format!("/x/..;/{inner}"),
        format!("/;/{inner}"),
        format!("/%2f{inner}"),
        format!("/\\{inner}"),
        format!("https://{authority}{path}"),
        path.to_uppercase(),
        format!("{trimmed}/."),
        format!("{trimmed}/"),
        format!("{trimmed}//"),
        format!("{trimmed}%20"),
        format!("{trimmed};x"),
        format!("{trimmed}.json"),
        trimmed.to_owned(),
    ];
    if let Some((first, rest)) = inner.split_once('/').filter(|(_, rest)| !rest.is_empty()) {
        all.push(format!("/{first}//{rest}"));
        all.push(format!("/{first}/./{rest}"));
        all.push(format!("/{first};x/{rest}"));
        all.push(format!("/{first}%2f{rest}"));
    }
    // The first letter, encoded.
    if let Some(letter) = inner.chars().next().filter(char::is_ascii_alphanumeric) {
        let rest: String = inner.chars().skip(1).collect();
        all.push(format!("/%{:02x}{rest}", u32::from(letter)));
    }
    all.retain(|target| target != path && !target.is_empty());
    all.sort();
    all.dedup();
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t02_spellings_of_a_path_are_others_than_the_path() {
        let all = spellings("/app/page", "app.test");
        for wanted in
            ["//app/page", "/x/%2e%2e/app/page", "/APP/PAGE", "/app%2fpage", "/%61pp/page"]
        {
            assert!(all.iter().any(|path| path == wanted), "{wanted}: {all:?}");
        }
        assert!(all.len() < 26, "{}", all.len());
        for path in ["/", "/app/", "/app", "/é/x"] {
            let all = spellings(path, "app.test");
            assert!(all.iter().all(|target| target != path && !target.is_empty()), "{all:?}");
        }
    }
}
