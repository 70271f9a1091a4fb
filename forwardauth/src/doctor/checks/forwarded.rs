//! Owns: `forwarded-believed`: whether somebody believes a client's word about its own request (classes T1, T6).

use super::super::answer::Answer;
use super::super::ask::Ask;
use super::super::finding::{Check, Seen};
use super::super::site::Site;
use super::super::wire::Failure;

pub(in super::super) const FORWARDED_BELIEVED: Check = Check {
    id: "forwarded-believed",
    asks: "the page, the login and each `--echo` service with `X-Forwarded-*`, `X-Real-Ip` and `Forwarded` of the doctor's making, also with underscores",
    why: "a client chooses the address, host or path by which it is judged: limits, binding and rules no longer hold",
    fix: "\
entryPoints:
  websecure:
    forwardedHeaders: {}                     # no `insecure`; trustedIPs names the load balancer in front and nobody
                                             # else, and that one overwrites X-Forwarded-*
    http:
      middlewares: [strip-identity@file]     # blanks X-Forwarded-Uri, -Method and -Prefix
      aliasHeadersStrategy: delete",
};

/// From the block for documentation (RFC 5737), and names that lead nowhere (RFC 2606).
const CLAIMS: [(&str, &str); 10] = [
    ("X-Forwarded-For", "198.51.100.77"),
    ("X-Forwarded-Host", "doctor-host.invalid"),
    ("X-Forwarded-Proto", "doctor-proto"),
    ("X-Forwarded-Port", "61077"),
    ("X-Forwarded-Uri", "/doctor-uri-was-here"),
    ("X-Forwarded-Method", "DOCTOR-METHOD"),
    ("X-Forwarded-Prefix", "/doctor-prefix-was-here"),
    ("X-Forwarded-Scheme", "doctor-scheme"),
    ("X-Real-Ip", "198.51.100.78"),
    ("Forwarded", "for=198.51.100.79"),
];

pub(in super::super) async fn forwarded_believed(site: &Site) -> Result<Seen, Failure> {
    let mut found = Vec::new();
    for (name, value) in CLAIMS {
        let ask = Ask::get(&site.page).navigating().line(name, value);
        let answer = site.send(ask).await?;
        if verdict(&answer) != verdict(&site.visit) {
            let (before, after) = (verdict(&site.visit), verdict(&answer));
            found.push(format!("{name}: {value} turns {before} into {after}"));
        }
    }
    let login = |ask: Ask| site.send(ask.navigating());
    let before = place(&login(Ask::get("/auth/login")).await?);
    let claim = Ask::get("/auth/login").line("X-Forwarded-Host", "doctor-host.invalid");
    let after = place(&login(claim).await?);
    if before != after {
        found.push(format!("X-Forwarded-Host leads the login to {after}, not {before}"));
    }
    for echo in &site.echoes {
        for write in [str::to_owned as fn(&str) -> String, |name| name.replace('-', "_")] {
            let ask = CLAIMS.iter().fold(Ask::get(echo).scripted(), |ask, (name, value)| {
                ask.line(write(name), *value)
            });
            let answer = site.send(site.as_user(ask)).await?;
            let believed = CLAIMS.iter().filter(|(_, value)| answer.holds(value));
            let believed: Vec<String> = believed.map(|(name, _)| write(name)).collect();
            if !believed.is_empty() {
                found.push(format!("{echo} is told the client's {}", believed.join(", ")));
            }
            let lets_in = site.send(site.as_user(Ask::get(echo).scripted())).await?;
            if lets_in.is_success() && matches!(answer.status, 401 | 403 | 421) {
                found.push(format!("{echo} answers {} because of them", answer.status));
            }
        }
    }
    Ok(Seen::bad_if_any(&found, "nobody believes them"))
}

/// What was decided, and with which way back.
fn verdict(answer: &Answer) -> String {
    match answer.text("location") {
        "" => answer.status.to_string(),
        location => format!("{} {location}", answer.status),
    }
}

/// Where an answer leads, without what is new each time.
fn place(answer: &Answer) -> String {
    let location = answer.text("location").split('?').next().unwrap_or_default();
    format!("{} {location}", answer.status)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t06_each_claim_is_known_by_its_value() {
        for (name, value) in CLAIMS {
            let same = CLAIMS.iter().filter(|(_, other)| other.contains(value));
            assert_eq!(same.count(), 1, "{name}");
        }
    }
}
