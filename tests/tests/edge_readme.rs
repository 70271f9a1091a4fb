//! What `traefik/README.md` says is to be seen, through the real Traefik and both programs.

use e2e::place;
use e2e::stack::Stack;
use e2e::traefik::HOST;

/// The pieces of a text that stand between two marks.
fn between(text: &str, mark: char) -> Vec<&str> {
    text.split(mark).skip(1).step_by(2).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_readme_of_traefik_promises_is_to_be_seen() {
    let stack = Stack::start().await;
    let readme = std::fs::read_to_string(place::repository().join("traefik/README.md"))
        .expect("there is a README");
    let rows: Vec<_> = readme.lines().filter(|line| line.starts_with("| `curl -i ")).collect();
    assert!(rows.len() > 5, "the table is gone: {rows:?}");
    for row in rows {
        let pieces = between(row, '`');
        let [request, status, fields @ ..] = pieces.as_slice() else { panic!("{row}") };
        let url = request.split(' ').nth(2).expect("an address");
        let url = match url.strip_prefix("https://app.example.com") {
            Some(path) => stack.at(path),
            None => {
                url.replace("app.example.com", &format!("{HOST}:{}", stack.traefik.plain.port()))
            }
        };
        let agent = stack.agent();
        let mut call = agent.get(&url);
        for field in between(request, '\'') {
            let (name, value) = field.split_once(": ").expect("a header field");
            call = call.header(name, value);
        }
        let reply = call.send().await;
        assert_eq!(reply.status.as_str(), *status, "{row}: {}", reply.text());
        for field in fields {
            let (name, value) = field.split_once(": ").expect("a header field");
            assert_eq!(reply.header(name), value, "{row}");
        }
    }
    assert!(stack.protected.take().is_empty(), "a request without a session reached the service");
}
