use super::*;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::Notify;

#[tokio::test]
async fn c49_many_callers_share_one_work() {
    let flights = SingleFlight::<u8, usize>::default();
    let (tasks, count, gate) =
        (Shutdown::new(), Arc::new(AtomicUsize::new(0)), Arc::new(Notify::new()));
    let mut callers = Vec::new();
    for _ in 0..50 {
        let (flights, tasks) = (flights.clone(), tasks.clone());
        let (count, gate) = (Arc::clone(&count), Arc::clone(&gate));
        callers.push(tokio::spawn(async move {
            let work = || async move {
                gate.notified().await;
                count.fetch_add(1, Ordering::SeqCst) + 1
            };
            flights.run(1, &tasks, work).await
        }));
    }
    tokio::task::yield_now().await;
    gate.notify_one();
    for caller in callers {
        assert_eq!(caller.await.unwrap(), Some(1));
    }
    assert_eq!(count.load(Ordering::SeqCst), 1);
    assert!(flights.0.lock().unwrap().is_empty());
}

#[tokio::test]
async fn c50_a_caller_that_goes_away_does_not_stop_the_work() {
    let flights = SingleFlight::<u8, u8>::default();
    let (tasks, done, gate) =
        (Shutdown::new(), Arc::new(AtomicUsize::new(0)), Arc::new(Notify::new()));
    let work = {
        let (done, gate) = (Arc::clone(&done), Arc::clone(&gate));
        || async move {
            gate.notified().await;
            done.fetch_add(1, Ordering::SeqCst);
            7
        }
    };
    let caller = flights.begin(1, &tasks, work).result();
    assert!(tokio::time::timeout(std::time::Duration::ZERO, caller).await.is_err());
    gate.notify_one();
    assert!(tasks.drained(std::time::Duration::from_secs(5)).await);
    assert_eq!(done.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_work_that_dies_leaves_nobody_waiting() {
    let flights = SingleFlight::<u8, u8>::default();
    let tasks = Shutdown::new();
    let dies = || async {
        assert!(tokio::task::id().to_string().is_empty(), "dies on purpose");
        1
    };
    assert_eq!(flights.run(1, &tasks, dies).await, None);
    assert_eq!(flights.run(1, &tasks, || async { 2 }).await, Some(2));
}
