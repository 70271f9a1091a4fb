//! Traefik as it is shipped, as far as paths are concerned, and one that lets every spelling through.

use std::net::SocketAddr;

use e2e::process::{Process, command};
use e2e::scratch::Scratch;
use e2e::service::{Service, answer};
use e2e::{place, ports};
use tokio::net::TcpStream;

/// The prefixes that Traefik has routers for, by the mark that each leaves on a request.
pub(crate) const MARKS: [&str; 3] = ["orders", "public", "admin"];

pub(crate) struct Edge {
    /// With the `http:` block of `traefik/static.yml`.
    pub(crate) shipped: SocketAddr,
    /// With everything allowed that Traefik can be told to allow.
    pub(crate) lenient: SocketAddr,
    _traefik: Process,
    _judge: Service,
}

impl Edge {
    pub(crate) async fn before(bff: SocketAddr, scratch: &Scratch) -> Self {
        let judge = judge().await;
        let (shipped, lenient) = (ports::free(), ports::free());
        let dynamic = scratch.write("paths-dynamic.yml", dynamic(bff, &judge));
        let text = format!(
            "log: {{ level: ERROR }}\nentryPoints:\n  shipped:\n    address: \"{shipped}\"\n    http:\n{}\
             \n  lenient:\n    address: \"{lenient}\"\n    http:\n      sanitizePath: false\n      encodedCharacters:\n{}\
             providers:\n  file: {{ filename: \"{}\" }}\n",
            shipped_http(),
            allowed(),
            dynamic.display(),
        );
        let config = scratch.write("paths-static.yml", text);
        let mut traefik = command(place::part("traefik/bin/traefik"));
        traefik.arg(format!("--configFile={}", config.display()));
        let mut process = Process::start("traefik-paths", traefik, scratch.path());
        process
            .ready(async || {
                let mut talk = crate::talk::Talk::to(lenient);
                TcpStream::connect(lenient).await.ok()?;
                let routed = talk.get(b"/api/public/ready", "app.wicket.test", 0).await;
                (routed == Some(200)).then_some(())
            })
            .await;
        Self { shipped, lenient, _traefik: process, _judge: judge }
    }
}

/// In ForwardAuth's place: lets everything pass, and tells the service for which URI it did.
async fn judge() -> Service {
    Service::start(None, async |seen| {
        let mut answer = answer(200, "text/plain", "");
        if let Some(uri) = seen.headers.get("x-forwarded-uri") {
            answer.headers_mut().insert("x-judged-uri", uri.clone());
        }
        answer
    })
    .await
}

/// What the shipped entry point says about encoded characters and look-alike headers.
fn shipped_http() -> String {
    let text = std::fs::read_to_string(place::repository().join("traefik/static.yml"))
        .expect("the shipped static configuration");
    let block = text.split("  websecure:").nth(1).expect("the entry point");
    let block = block.split("  internal:").next().expect("the next entry point");
    let kept: Vec<_> = block
        .lines()
        .skip_while(|line| !line.starts_with("    http:"))
        .skip(1)
        .filter(|line| !line.contains("tls:") && !line.contains("middlewares:"))
        .collect();
    assert!(kept.iter().any(|line| line.contains("allowEncodedSlash: false")), "{kept:?}");
    kept.join("\n")
}

fn allowed() -> String {
    ["Slash", "BackSlash", "NullCharacter", "Semicolon", "Percent", "QuestionMark", "Hash"]
        .map(|name| format!("        allowEncoded{name}: true\n"))
        .concat()
}

fn dynamic(bff: SocketAddr, judge: &Service) -> String {
    let rest = ("rest", "PathPrefix(`/`)".to_owned(), 1);
    let all: Vec<_> = MARKS
        .map(|mark| (mark, format!("PathPrefix(`/api/{mark}/`)"), 100))
        .into_iter()
        .chain([rest])
        .collect();
    let routers = all.iter().map(|(mark, rule, priority)| {
        format!(
            "    {mark}: {{ rule: \"{rule}\", priority: {priority}, middlewares: [mark-{mark}, judge], service: bff }}\n"
        )
    });
    let marks = all.iter().map(|(mark, ..)| {
        format!(
            "    mark-{mark}: {{ headers: {{ customRequestHeaders: {{ X-Edge-Router: {mark} }} }} }}\n"
        )
    });
    format!(
        "http:\n  routers:\n{}  middlewares:\n    judge: {{ forwardAuth: {{ address: \"{}\", authResponseHeaders: [X-Judged-Uri] }} }}\n{}  services:\n    bff: {{ loadBalancer: {{ servers: [{{ url: \"http://{bff}\" }}] }} }}\n",
        routers.collect::<String>(),
        judge.origin(),
        marks.collect::<String>(),
    )
}
