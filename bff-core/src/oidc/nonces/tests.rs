use std::collections::HashMap;

use super::*;

/// What replicas share: a map.
#[derive(Default)]
struct Board {
    notes: Mutex<HashMap<String, String>>,
    asked: Mutex<usize>,
}

impl SharedNonces for Board {
    fn get<'a>(
        &'a self,
        name: &'a str,
    ) -> Pin<Box<dyn Future<Output = Option<String>> + Send + 'a>> {
        *self.asked.lock().unwrap() += 1;
        let found = self.notes.lock().unwrap().get(name).cloned();
        Box::pin(std::future::ready(found))
    }

    fn put(&self, name: String, nonce: String) {
        self.notes.lock().unwrap().insert(name, nonce);
    }
}

fn alone() -> Nonces {
    Nonces::new("as")
}

fn replica(kind: &'static str, board: &Arc<Board>) -> Nonces {
    let mut nonces = Nonces::new(kind);
    let shared: Arc<dyn SharedNonces> = Arc::<Board>::clone(board);
    nonces.share(&shared);
    nonces
}

#[tokio::test]
async fn c29_nonces_of_two_origins_never_cross() {
    let nonces = alone();
    nonces.put("https://a.example", "one");
    nonces.put("https://b.example", "two");
    assert_eq!(nonces.get("https://a.example").await.as_deref(), Some("one"));
    assert_eq!(nonces.get("https://b.example").await.as_deref(), Some("two"));
    assert_eq!(nonces.get("https://a.example:444").await, None);
}

#[tokio::test]
async fn c28_the_latest_nonce_replaces_the_one_before() {
    let nonces = alone();
    nonces.put("https://a.example", "one");
    nonces.put("https://a.example", "two");
    assert_eq!(nonces.get("https://a.example").await.as_deref(), Some("two"));
}

#[tokio::test]
async fn the_store_is_bounded_and_drops_what_was_not_used_for_longest() {
    let nonces = alone();
    for n in 0..CAPACITY {
        nonces.put(&format!("https://{n}.example"), "n");
    }
    assert!(nonces.get("https://0.example").await.is_some());
    nonces.put("https://new.example", "n");
    assert!(nonces.get("https://0.example").await.is_some());
    assert!(nonces.get("https://1.example").await.is_none());
}

#[tokio::test]
async fn what_is_no_nonce_is_neither_kept_nor_taken_from_others() {
    let board = Arc::new(Board::default());
    for bad in ["", "a b", "a\"b", "a\\b", "\u{e9}", &"x".repeat(MAX_NONCE + 1)] {
        let nonces = replica("as", &board);
        nonces.put("https://a.example", bad);
        assert!(board.notes.lock().unwrap().is_empty());
        let name = nonces.name("https://a.example");
        board.notes.lock().unwrap().insert(name, bad.to_owned());
        assert_eq!(nonces.get("https://a.example").await, None);
        board.notes.lock().unwrap().clear();
    }
}

#[tokio::test]
async fn two_nonce_headers_in_one_answer_are_none() {
    let nonces = alone();
    let mut headers = HeaderMap::new();
    headers.append("dpop-nonce", "a".parse().unwrap());
    assert!(nonces.note("https://a.example", &headers));
    headers.append("dpop-nonce", "b".parse().unwrap());
    assert!(!nonces.note("https://a.example", &headers));
    assert_eq!(nonces.get("https://a.example").await.as_deref(), Some("a"));
}

#[tokio::test]
async fn c28_a_replica_learns_what_another_was_told_and_asks_once() {
    let board = Arc::new(Board::default());
    let (a, b) = (replica("as", &board), replica("as", &board));
    a.put("https://a.example", "one");
    assert_eq!(b.get("https://a.example").await.as_deref(), Some("one"));
    a.put("https://a.example", "two");
    // Its own answers keep it up to date from here on.
    assert_eq!(b.get("https://a.example").await.as_deref(), Some("one"));
    assert_eq!(b.get("https://b.example").await, None);
    assert_eq!(b.get("https://b.example").await, None);
    assert_eq!(*board.asked.lock().unwrap(), 2);
}

#[tokio::test]
async fn c29_replicas_keep_the_two_kinds_of_servers_apart() {
    let board = Arc::new(Board::default());
    replica("as", &board).put("https://a.example", "one");
    assert_eq!(replica("rs", &board).get("https://a.example").await, None);
}
