//! The whole doctor, before servers that answer as the tests say.

use std::collections::HashSet;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::finding::Verdict;
use super::*;

type Script = fn(&str) -> &'static str;

const REFUSED: &str =
    "HTTP/1.1 401 Unauthorized\r\nCache-Control: no-store\r\nContent-Length: 0\r\n\r\n";
const MISSING: &str = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";
const PAGE: &str = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecret";

async fn serve(script: Script) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            drop(tokio::spawn(answer(stream, script)));
        }
    }));
    address
}

async fn answer(mut stream: TcpStream, script: Script) {
    let mut head = Vec::new();
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        if stream.read_buf(&mut head).await.unwrap_or(0) == 0 {
            return;
        }
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    stream.write_all(script(&head).as_bytes()).await.unwrap();
}

fn subject(url: &str) -> Subject {
    Subject {
        url: url.parse().unwrap(),
        connect: None,
        plain: None,
        echoes: Vec::new(),
        admin: None,
        cookie: None,
        user_agent: None,
        ca: None,
    }
}

async fn examined(script: Script) -> Report {
    let address = serve(script).await;
    let mut patient = subject("http://app.test/app/page");
    patient.connect = Some(address.to_string());
    examine(patient).await.unwrap()
}

fn closed(head: &str) -> &'static str {
    if head.starts_with("GET /app/page HTTP") { REFUSED } else { MISSING }
}

fn verdict(report: &Report, id: &str) -> Verdict {
    report.findings.iter().find(|finding| finding.check.id == id).unwrap().seen.verdict
}

#[tokio::test]
async fn each_check_is_in_the_report_once() {
    let report = examined(closed).await;
    let found: HashSet<&str> = report.findings.iter().map(|finding| finding.check.id).collect();
    let known: HashSet<&str> = checks::ALL.iter().map(|check| check.id).collect();
    assert_eq!(found, known);
    assert_eq!(report.findings.len(), checks::ALL.len());
    assert!(report.requests < REQUESTS_MAX, "{}", report.requests);
}

#[tokio::test]
async fn the_report_reads_well() {
    let mut report = examined(closed).await;
    report.url = "http://app.test/app/page".to_owned();
    insta::assert_snapshot!(report.text());
}

#[tokio::test]
async fn t07_what_opens_a_page_is_named() {
    let report = examined(|head| {
        let opens = ["ELB-HealthChecker", "TRACE ", "Upgrade: websocket", "GET /app/page/ HTTP"];
        if opens.iter().any(|word| head.contains(word)) { PAGE } else { closed(head) }
    })
    .await;
    for id in ["header-bypass", "method-bypass", "websocket-bypass", "path-bypass"] {
        assert_eq!(verdict(&report, id), Verdict::Bad, "{id}");
    }
    assert!(report.is_bad());
    for said in [
        "User-Agent: ELB-HealthChecker/2.0 wicketgate-doctor gets 200",
        "TRACE gets 200",
        "/app/page/ gets 200",
    ] {
        assert!(report.text().contains(said), "{said}");
    }
}

#[tokio::test]
async fn who_is_turned_away_judges_nothing() {
    const EARLY: &str =
        "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 0\r\nContent-Length: 0\r\n\r\n";
    let report = examined(|head| if head.contains('%') { EARLY } else { closed(head) }).await;
    assert_eq!(verdict(&report, "encoded-path"), Verdict::Unknown);
    assert_eq!(verdict(&report, "open-page"), Verdict::Good);
    assert!(report.text().contains("ask again later"), "{}", report.text());
}

#[tokio::test]
async fn a_page_for_everybody_is_bad_and_nothing_is_said_of_ways_around_it() {
    let report = examined(|_| PAGE).await;
    assert_eq!(verdict(&report, "open-page"), Verdict::Bad);
    assert_eq!(verdict(&report, "path-bypass"), Verdict::Unknown);
}

#[tokio::test]
async fn t18_a_session_is_in_no_report() {
    let address = serve(|head| if head.contains("canary") { PAGE } else { closed(head) }).await;
    let mut patient = subject("http://app.test/app/page");
    patient.connect = Some(address.to_string());
    patient.cookie = Some("bff_session=canary-0123456789abcdef".into());
    patient.user_agent = Some("Mozilla/5.0".to_owned());
    assert!(!format!("{patient:?}").contains("canary"));
    let report = examine(patient).await.unwrap();
    assert_eq!(verdict(&report, "session"), Verdict::Good);
    assert!(!(report.text() + &report.json().unwrap()).contains("canary"));
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_before_anything_is_asked() {
    let cookie = |text: &str| Some(SecretString::from(text));
    let browser = || Some("Mozilla/5.0".to_owned());
    let page = || subject("https://app.test/");
    for (patient, said) in [
        (subject("/app/"), "URL is no address"),
        (subject("ftp://app.test/"), "URL is no address"),
        (subject("https://a:b@app.test/"), "URL is no address"),
        (Subject { echoes: vec!["echo".to_owned()], ..page() }, "--echo"),
        (Subject { cookie: cookie("a=b"), ..page() }, "--user-agent is missing"),
        (Subject { cookie: cookie("ab"), user_agent: browser(), ..page() }, "--cookie-file"),
        (
            Subject { cookie: cookie("a=b\r\nX: y"), user_agent: browser(), ..page() },
            "--cookie-file",
        ),
        (Subject { user_agent: Some("a\nb".to_owned()), ..page() }, "--user-agent"),
        (Subject { admin: Some("/api".parse().unwrap()), ..page() }, "--admin"),
        (Subject { ca: Some(b"no certificate".to_vec()), ..page() }, "--ca"),
    ] {
        let problem = examine(patient).await.unwrap_err().to_string();
        assert!(problem.starts_with(said), "{problem}");
    }
}

#[tokio::test]
async fn nobody_there_is_no_report() {
    // A port that was free a moment ago.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let error = examine(subject(&format!("http://{address}/"))).await.unwrap_err();
    assert!(matches!(error, DoctorError::Away { .. }), "{error}");
    let silent = serve(|_| "SSH-2.0-OpenSSH\r\n\r\n").await;
    let error = examine(subject(&format!("http://{silent}/"))).await.unwrap_err();
    assert!(error.to_string().contains("something else than HTTP"), "{error}");
}
