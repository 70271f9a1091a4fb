//! Owns: tests of answers that their peers do not read.

use std::pin::Pin;
use std::task::{Context, Poll};

use http::StatusCode;
use http_body_util::{BodyExt as _, Empty};
use hyper::body::Frame;
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout};

use super::cut::{Cuttable, Streams};
use super::*;

/// Longer than anything here takes.
const SOON: Duration = Duration::from_secs(20);
const PATIENCE: Duration = Duration::from_secs(10);
const MOMENT: Duration = Duration::from_secs(9);

#[tokio::test(start_paused = true)]
async fn t17_what_is_not_read_in_time_ends_and_what_is_read_slowly_goes_on() {
    let begun = Instant::now();
    let served = Cuttable::new(async {
        let cut = Cut::current().unwrap();
        for _ in 0..5 {
            cut.gave(PATIENCE);
            sleep(MOMENT).await;
            cut.asked();
            cut.gave(PATIENCE);
        }
        std::future::pending::<()>().await;
    });
    assert_eq!(served.await, None);
    assert_eq!(begun.elapsed(), 5 * MOMENT + PATIENCE);
}

#[tokio::test(start_paused = true)]
async fn t17_each_answer_of_a_connection_has_its_own_time() {
    let begun = Instant::now();
    let served = Cuttable::new(async {
        let cut = Cut::current().unwrap();
        cut.gave(100 * PATIENCE);
        sleep(MOMENT).await;
        cut.asked();
        cut.gave(PATIENCE);
        std::future::pending::<()>().await;
    });
    assert_eq!(served.await, None);
    assert_eq!(begun.elapsed(), MOMENT + PATIENCE);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_has_nothing_to_give_may_take_its_time() {
    let served = Cuttable::new(async {
        let cut = Cut::current().unwrap();
        cut.gave(PATIENCE);
        sleep(MOMENT).await;
        cut.asked();
        sleep(100 * PATIENCE).await;
        // Not even now: it can say so itself.
        cut.now();
        sleep(MOMENT).await;
        // And a wish of before is none of the next answer's.
        cut.gave(PATIENCE);
        sleep(MOMENT).await;
        assert!(!cut.has_ended());
        "the end"
    });
    assert_eq!(served.await, Some("the end"));
}

#[tokio::test(start_paused = true)]
async fn c66_a_wish_ends_at_once_what_is_not_read() {
    let (sender, mut cuts) = mpsc::unbounded_channel();
    let served = tokio::spawn(Cuttable::new(async move {
        let cut = Cut::current().unwrap();
        cut.gave(PATIENCE);
        sender.send(cut).unwrap();
        std::future::pending::<()>().await;
    }));
    let begun = Instant::now();
    let cut: Cut = cuts.recv().await.unwrap();
    cut.now();
    assert_eq!(served.await.unwrap(), None);
    assert!(cut.has_ended() && begun.elapsed() < Duration::from_secs(1));
}

/// Gives as much as it is asked for, and tells when it has ended.
struct Endless {
    cut: Option<Cut>,
    patience: Duration,
    ended: mpsc::UnboundedSender<bool>,
}

impl Body for Endless {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if let Some(cut) = &self.cut {
            cut.asked();
            cut.gave(self.patience);
        }
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(&[7; 16 * 1024])))))
    }
}

impl Drop for Endless {
    fn drop(&mut self) {
        let was_cut = self.cut.as_ref().is_some_and(Cut::has_ended);
        // The test may be over.
        let _gone = self.ended.send(was_cut);
    }
}

fn endless(patience: Duration, ended: &mpsc::UnboundedSender<bool>) -> Response<Endless> {
    Response::new(Endless { cut: Cut::current(), patience, ended: ended.clone() })
}

#[tokio::test]
async fn t17_a_connection_of_http_1_whose_peer_does_not_read_is_closed() {
    let listener = bind("127.0.0.1:0".parse().unwrap(), false).unwrap();
    let address = listener.local_addr().unwrap();
    let (sender, mut ended) = mpsc::unbounded_channel();
    let limits = Limits { cuttable: true, ..Limits::default() };
    drop(tokio::spawn(serve(listener, None, limits, Shutdown::new(), move |_| {
        let sender = sender.clone();
        hyper::service::service_fn(move |_| {
            let sender = sender.clone();
            async move { Ok(endless(Duration::from_millis(100), &sender)) }
        })
    })));
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
    assert_eq!(timeout(SOON, ended.recv()).await.unwrap(), Some(true));
    let rest = async { drop(stream.read_to_end(&mut Vec::new()).await) };
    timeout(SOON, rest).await.expect("it ends");
}

#[tokio::test]
async fn t17_a_stream_of_http_2_that_is_not_read_is_reset_and_others_go_on() {
    let (sender, mut ended) = mpsc::unbounded_channel();
    let (ours, theirs) = tokio::io::duplex(64 * 1024);
    drop(tokio::spawn(
        hyper::server::conn::http2::Builder::new(Streams { cuttable: true }).serve_connection(
            TokioIo::new(theirs),
            hyper::service::service_fn(move |request: Request<Incoming>| {
                let patience = if request.uri().path() == "/unread" { 100 } else { 60_000 };
                // Not before: only what is called in there is called by the stream's own task.
                let sender = sender.clone();
                async move { Ok::<_, Infallible>(endless(Duration::from_millis(patience), &sender)) }
            }),
        ),
    ));
    let (mut client, connection) =
        http2::handshake::<_, _, Empty<Bytes>>(TokioExecutor::new(), TokioIo::new(ours))
            .await
            .unwrap();
    drop(tokio::spawn(connection));
    let mut ask = async |path: &str| {
        let request = Request::get(format!("http://a{path}")).body(Empty::new()).unwrap();
        let answer = client.send_request(request).await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        answer.into_body()
    };
    let (mut unread, mut other) = (ask("/unread").await, ask("/other").await);
    assert_eq!(timeout(SOON, ended.recv()).await.unwrap(), Some(true));
    let mut passed = 0;
    while passed < 8 << 20 {
        passed += timeout(SOON, other.frame())
            .await
            .unwrap()
            .unwrap()
            .unwrap()
            .into_data()
            .unwrap()
            .len();
    }
    let end = loop {
        match timeout(SOON, unread.frame()).await.unwrap() {
            Some(Ok(_)) => {}
            end => break end,
        }
    };
    end.expect("no clean end").expect_err("a reset");
    assert!(ended.try_recv().is_err(), "the other goes on");
}
