//! Owns: waiting for what in these targets never waits long.

use std::cell::OnceCell;

use tokio::runtime::{Builder, Runtime};

thread_local! {
    static RUNTIME: OnceCell<Runtime> = const { OnceCell::new() };
}

/// What becomes of `future`.
pub(crate) fn on<F: Future>(future: F) -> F::Output {
    RUNTIME.with(|runtime| {
        let new = || Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.get_or_init(new).block_on(future)
    })
}
