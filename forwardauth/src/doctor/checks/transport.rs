//! Owns: `plain-http`, `old-tls` and `header-size`: what the entry points let in.

use std::net::IpAddr;

use super::super::ask::Ask;
use super::super::finding::{Check, Seen};
use super::super::site::Site;
use super::super::wire::Failure;

pub(in super::super) const PLAIN_HTTP: Check = Check {
    id: "plain-http",
    asks: "the page over plain HTTP: at `--plain`, or port 80",
    why: "who listens on the way reads the page and its cookies, or answers in its place",
    fix: "\
entryPoints:
  web:
    address: \":80\"
    http:
      redirections: { entryPoint: { to: websecure, scheme: https } }
# and entryPoints: [websecure] in every router",
};

pub(in super::super) const OLD_TLS: Check = Check {
    id: "old-tls",
    asks: "a handshake of TLS 1.1 and 1.0",
    why: "TLS before 1.2 is broken (RFC 8996)",
    fix: "\
tls:
  options:
    default: { minVersion: VersionTLS12, sniStrict: true }",
};

pub(in super::super) const HEADER_SIZE: Check = Check {
    id: "header-size",
    asks: "the page with 60 KB of headers",
    why: "all of a request's head is sent again to verify, so few clients can keep it busy",
    fix: "\
entryPoints:
  websecure:
    http:
      maxHeaderBytes: 32768",
};

const LARGE: usize = 60_000;

pub(in super::super) async fn plain_http(site: &Site) -> Result<Seen, Failure> {
    if !site.place.secure && is_this_machine(&site.place.host) {
        return Ok(Seen::unknown("not judged: the page is on this machine"));
    }
    if !site.place.secure {
        return Ok(Seen::bad("the address of the page itself is http://"));
    }
    let Some(plain) = &site.plain else {
        return Ok(Seen::unknown("the page is not on port 443; say where plain HTTP is: --plain"));
    };
    let ask = Ask::get(&site.page).line("User-Agent", site.user_agent.as_str());
    let answer = match site.wire.send(plain, &ask).await {
        Err(Failure::Connect(_)) => return Ok(Seen::good("nobody listens")),
        answer => answer?,
    };
    let location = answer.text("location").split('?').next().unwrap_or_default();
    let told = format!("{} {location}", answer.status);
    let told = told.trim_end();
    Ok(match answer.status {
        301 | 302 | 303 | 307 | 308 if location.starts_with("https://") => Seen::good(told),
        // No page of ours.
        400 | 404 | 421 | 426 => Seen::good(told),
        _ => Seen::bad(format!("plain HTTP gets {told}")),
    })
}

fn is_this_machine(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

pub(in super::super) async fn old_tls(site: &Site) -> Result<Seen, Failure> {
    if !site.place.secure {
        return Ok(Seen::unknown("not judged: the page is not over TLS"));
    }
    let mut found = Vec::new();
    for (name, minor) in [("TLS 1.1", 2), ("TLS 1.0", 1)] {
        let received = site.wire.poke(&site.place, &hello(minor, &site.place.host)).await?;
        if is_server_hello(&received, minor) {
            found.push(format!("{name} is accepted"));
        }
    }
    Ok(Seen::bad_if_any(&found, "refused"))
}

/// A `ClientHello` of TLS 1.0 or 1.1 (RFC 4346 section 7.4.1.2), with the ciphers that servers still have for it.
fn hello(minor: u8, host: &str) -> Vec<u8> {
    let ciphers = [0xc0, 0x09, 0xc0, 0x0a, 0xc0, 0x13, 0xc0, 0x14, 0x00, 0x2f, 0x00, 0x35];
    let name = with_length(&[&[0], with_length(host.as_bytes()).as_slice()].concat());
    let extensions = [
        // server_name (RFC 6066), supported_groups and ec_point_formats (RFC 8422)
        [&[0, 0], with_length(&name).as_slice()].concat(),
        vec![0, 10, 0, 6, 0, 4, 0, 23, 0, 24],
        vec![0, 11, 0, 2, 1, 0],
    ];
    let body = [
        &[3, minor],
        [0x44; 32].as_slice(),
        &[0],
        &with_length(&ciphers),
        &[1, 0],
        &with_length(&extensions.concat()),
    ]
    .concat();
    let message = [&[1, 0], with_length(&body).as_slice()].concat();
    [&[22, 3, 1], with_length(&message).as_slice()].concat()
}

/// The bytes behind their length, which is two bytes.
fn with_length(bytes: &[u8]) -> Vec<u8> {
    let length = u16::try_from(bytes.len()).unwrap_or_default();
    [length.to_be_bytes().as_slice(), bytes].concat()
}

/// A handshake record that holds a `ServerHello` of this version; else it is an alert.
fn is_server_hello(received: &[u8], minor: u8) -> bool {
    matches!(received, [22, 3, _, _, _, 2, _, _, _, 3, version, ..] if *version == minor)
}

pub(in super::super) async fn header_size(site: &Site) -> Result<Seen, Failure> {
    let ask = Ask::get(&site.page).scripted().line("X-Wicketgate-Doctor", "x".repeat(LARGE));
    Ok(match site.send(ask).await {
        Ok(answer) if matches!(answer.status, 400 | 413 | 431) => {
            Seen::good(format!("refused with {}", answer.status))
        }
        Ok(answer) => Seen::warn(format!("taken, and answered with {}", answer.status)),
        // Refused while it was still being sent.
        Err(Failure::Closed) => Seen::good("the connection was closed"),
        Err(failure) => return Err(failure),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lengths_of_a_hello_add_up() {
        let hello = hello(2, "app.example.com");
        let length = |at: usize| usize::from(hello[at]) << 8 | usize::from(hello[at + 1]);
        assert_eq!(length(3), hello.len() - 5, "the record");
        assert_eq!(length(7), hello.len() - 9, "the message");
        assert_eq!(&hello[9..11], &[3, 2]);
    }

    #[test]
    fn a_server_hello_is_told_from_an_alert() {
        assert!(is_server_hello(&[22, 3, 2, 0, 80, 2, 0, 0, 76, 3, 2, 1], 2));
        assert!(!is_server_hello(&[21, 3, 2, 0, 2, 2, 70], 2));
        assert!(!is_server_hello(&[22, 3, 3, 0, 80, 2, 0, 0, 76, 3, 3, 1], 2));
        assert!(!is_server_hello(&[], 2));
    }
}
