use shell::check::Findings;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::super::{RedisOptions, RedisTls};
use super::*;

/// A server that gives these answers, one to each question.
async fn server(answers: &[&str]) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let answers: Vec<String> = answers.iter().map(|&answer| answer.to_owned()).collect();
    tokio::spawn(async move {
        let (mut peer, _) = listener.accept().await.unwrap();
        let mut question = [0; 8192];
        for answer in answers {
            if peer.read(&mut question).await.unwrap_or(0) == 0 {
                return;
            }
            peer.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    port
}

async fn looked(scheme: &str, answers: &[&str]) -> Findings {
    let port = server(answers).await;
    let options = RedisOptions {
        url: format!("{scheme}://user:canary@127.0.0.1:{port}").into(),
        prefix: "bff:".to_owned(),
        command_timeout: PATIENCE,
        reads: Reads::Pipe,
        exact_lists: false,
        tls: RedisTls::default(),
    };
    look(&options, Uses::All, 0).await
}

const OK: &str = "+OK\r\n";
const PONG: &str = "+PONG\r\n";
const NO_INFO: &str = "-NOPERM x\r\n";

fn hello(version: &str, mode: &str, role: &str) -> String {
    let bulk = |text: &str| format!("${}\r\n{text}\r\n", text.len());
    let parts = ["version", version, "mode", mode, "role", role].map(bulk);
    format!("*6\r\n{}", parts.concat())
}

fn problem(findings: &Findings) -> String {
    let told: Vec<_> = findings.problems.iter().map(ToString::to_string).collect();
    let told = told.join("\n");
    assert!(!told.contains("canary"), "{told}");
    told
}

#[tokio::test]
async fn a_good_server_is_reached_without_rights_that_nobody_needs() {
    let hello = hello("7.0.15", "standalone", "master");
    let findings = looked("redis", &[OK, PONG, &hello, "$0\r\n\r\n", NO_INFO]).await;
    assert_eq!(problem(&findings), "");
    assert!(findings.warnings.is_empty());
    assert!(findings.reached[0].ends_with(", version 7.0.15"), "{:?}", findings.reached);
}

#[tokio::test]
async fn what_a_server_is_and_refuses_is_told_at_once() {
    let hello = hello("6.2.1", "cluster", "slave");
    let memory = "maxmemory:1\r\nmaxmemory_policy:allkeys-lru\r\n";
    let info = format!("${}\r\n{memory}\r\n", memory.len());
    let findings = looked("redis", &[OK, PONG, &hello, "$14\r\nhset hset zadd\r\n", &info]).await;
    let told = problem(&findings);
    for wanted in ["a Redis Cluster", "a replica", "older than Redis 7", "of ours: hset, zadd\n"] {
        assert!(told.contains(wanted), "{wanted}: {told}");
    }
    assert!(findings.warnings[0].warning.contains("allkeys-lru"), "{:?}", findings.warnings);
}

#[tokio::test]
async fn a_right_that_serves_a_metric_alone_is_warned_of() {
    let hello = hello("7.0.15", "standalone", "master");
    let missing = "$14\r\nscan randomkey\r\n";
    let findings = looked("redis", &[OK, PONG, &hello, missing, NO_INFO]).await;
    assert_eq!(problem(&findings), "");
    let [warning] = findings.warnings.as_slice() else { panic!("{:?}", findings.warnings) };
    assert!(warning.warning.contains("may not do scan, randomkey: bff_active_sessions_total"));
}

#[tokio::test]
async fn t09_a_refusal_is_told_by_its_code_and_names_no_user() {
    let findings = looked("redis", &["-WRONGPASS of canary\r\n"]).await;
    assert!(problem(&findings).contains("(WRONGPASS)"));
    let findings = looked("redis", &[OK, "-LOADING x\r\n"]).await;
    assert!(problem(&findings).contains("(LOADING)"));
    let findings = looked("redis", &["HTTP/1.1 400 Bad Request\r\n\r\n"]).await;
    assert!(problem(&findings).contains("does not answer as Redis does"));
}

#[tokio::test]
async fn a_sentinel_that_does_not_know_the_service_is_told() {
    let port = server(&[PONG, "*-1\r\n"]).await;
    let options = RedisOptions {
        url: format!("redis-sentinel://127.0.0.1:{port}?sentinelServiceName=main").into(),
        prefix: "bff:".to_owned(),
        command_timeout: PATIENCE,
        reads: Reads::Pipe,
        exact_lists: false,
        tls: RedisTls::default(),
    };
    let findings = look(&options, Uses::Verify, 0).await;
    assert!(problem(&findings).contains("sentinelServiceName"), "{findings:?}");
}
