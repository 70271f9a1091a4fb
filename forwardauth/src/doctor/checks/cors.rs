//! Owns: `cors`: which origins may read the page with the user's cookie (Fetch standard, CORS protocol).

use super::super::ask::{Ask, Method};
use super::super::finding::{Check, Seen};
use super::super::site::Site;
use super::super::wire::Failure;

pub(in super::super) const CORS: Check = Check {
    id: "cors",
    asks: "the page and a preflight, from an origin of nobody and from `null`",
    why: "any site that a signed-in user visits reads the page as that user",
    fix: "\
http:
  middlewares:
    cors:
      headers:
        accessControlAllowOriginList: [\"https://spa.example.com\"]   # exact origins; neither \"*\" nor \"null\", and no
        accessControlAllowCredentials: true                         # accessControlAllowOriginListRegex that is not anchored",
};

pub(in super::super) async fn cors(site: &Site) -> Result<Seen, Failure> {
    let origins = [
        "https://doctor.invalid".to_owned(),
        "null".to_owned(),
        // Where a pattern is not anchored.
        format!("https://{}.doctor.invalid", site.place.host),
    ];
    let (mut bad, mut odd) = (Vec::new(), Vec::new());
    for origin in &origins {
        let ask = Ask::get(&site.page).scripted().line("Origin", origin);
        let preflight = Ask::get(&site.page)
            .method(Method::Options)
            .line("Origin", origin)
            .line("Access-Control-Request-Method", "GET");
        for answer in [site.send(ask).await?, site.send(preflight).await?] {
            let allowed = answer.text("access-control-allow-origin");
            let with_cookies = answer.text("access-control-allow-credentials") == "true";
            match allowed {
                "*" if with_cookies => odd.push("* with credentials".to_owned()),
                "*" => odd.push("*".to_owned()),
                _ if allowed != origin => {}
                _ if with_cookies => bad.push(format!("{allowed} may read, with credentials")),
                _ => odd.push(format!("{allowed} may read")),
            }
        }
    }
    bad.dedup();
    odd.dedup();
    Ok(if bad.is_empty() {
        Seen::warn_if_any(&odd, "no other origin may read")
    } else {
        Seen::bad_if_any(&bad, "")
    })
}
