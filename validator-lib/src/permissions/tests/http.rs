//! The source over HTTP, against a server that answers as it is told.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::{Hand, alice, may, may_read};
use crate::permissions::{
    HttpSource, HttpSourceError, PermissionCache, PermissionSource as _, Rights, SourceError, User,
};

/// Answers each connection with `response`, as it stands, and keeps what was asked.
struct Server {
    url: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Server {
    async fn answering(response: String) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&asked);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut request = [0; 4096];
                let read = stream.read(&mut request).await.unwrap();
                seen.lock().unwrap().push(String::from_utf8_lossy(&request[..read]).into_owned());
                // The reader may hang up as soon as it has had enough.
                drop(stream.write_all(response.as_bytes()).await);
            }
        });
        Self { url, asked }
    }

    fn source(&self) -> HttpSource {
        HttpSource::new(format!("{}/users/{{user}}", self.url)).unwrap()
    }
}

fn response(line: &str, body: &str) -> String {
    format!("HTTP/1.1 {line}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

async fn load(response: String) -> Result<Option<Rights>, SourceError> {
    Server::answering(response).await.source().load(&alice()).await
}

#[tokio::test]
async fn rights_are_asked_for_by_the_users_name_and_with_the_services_credentials() {
    let server = Server::answering(response("200 OK", r#"{"permissions": ["orders:read"]}"#)).await;
    let source = server.source().header("authorization", "Bearer secret-canary").unwrap();
    assert!(!format!("{source:?}").contains("canary"));
    let user = User::new("i", "al/ice");
    assert_eq!(source.load(&user).await, Ok(Some(may(&["orders:read"]))));
    let asked = server.asked.lock().unwrap().join("\n");
    assert!(asked.starts_with("GET /users/al%2Fice HTTP/1.1\r\n"), "{asked}");
    assert!(asked.contains("authorization: Bearer secret-canary\r\n"), "{asked}");
    let cache = PermissionCache::builder(source).clock(Hand::default().clock()).build();
    assert_eq!(may_read(&cache, &user).await, Some(true));
}

#[tokio::test]
async fn t12_who_is_not_found_is_unknown_and_every_other_answer_says_nothing() {
    assert_eq!(load(response("404 Not Found", "{}")).await, Ok(None));
    let rights = r#"{"permissions": ["orders:read"]}"#;
    for line in [
        "201 Created",
        "204 No Content",
        "302 Found\r\nlocation: http://127.0.0.1:1/",
        "401 Unauthorized",
        "410 Gone",
        "429 Too Many Requests",
        "500 Internal Server Error",
    ] {
        let said = load(response(line, rights)).await;
        let status = line.split(' ').next().unwrap();
        assert_eq!(said, Err(SourceError::new(format!("status {status}"))));
    }
    for body in ["", "null", "[]", "<html>", r#"{"permissions": "all"}"#] {
        assert!(load(response("200 OK", body)).await.is_err(), "{body}");
    }
}

#[tokio::test]
async fn t17_an_answer_is_bounded_and_whole() {
    let long = format!(r#"{{"roles": [], "name": "{}"}}"#, "a".repeat(70_000));
    let too_long = "the answer broke off or is too long";
    assert_eq!(load(response("200 OK", &long)).await, Err(SourceError::new(too_long)));
    let cut = "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 50\r\n\r\n{\"roles\": []}";
    assert_eq!(load(cut.to_owned()).await, Err(SourceError::new(too_long)));
}

#[tokio::test]
async fn a_source_that_is_away_is_no_answer() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://{}/{{user}}", listener.local_addr().unwrap());
    drop(listener);
    let said = HttpSource::new(url).unwrap().load(&alice()).await;
    assert_eq!(said, Err(SourceError::new("cannot connect")));
    assert_eq!(HttpSource::new("http://d/{name}").unwrap_err(), HttpSourceError::Url);
}
