//! What libFuzzer calls: one program for all targets, which links once. `fuzz/run` builds and starts it.

#![no_main]
#![expect(
    unsafe_code,
    reason = "libFuzzer is C++: it finds functions by their names and hands over pointers"
)]

use std::panic;
use std::process;
use std::slice;
use std::sync::LazyLock;

use fuzz::{TARGETS, Target};

/// Named by the environment, because the arguments are libFuzzer's.
static TARGET: LazyLock<&Target> = LazyLock::new(|| {
    #[expect(clippy::disallowed_methods, reason = "no setting of a program")]
    let name = std::env::var("FUZZ_TARGET").unwrap_or_default();
    let known = TARGETS.iter().find(|target| target.name == name);
    known.unwrap_or_else(|| panic!("FUZZ_TARGET is no target: {name:?}"))
});

/// Called once, before all else. A panic ends the process at once, so that its input is kept.
#[unsafe(no_mangle)]
extern "C" fn LLVMFuzzerInitialize(
    _arguments: *const isize,
    _values: *const *const *const u8,
) -> isize {
    let told = panic::take_hook();
    panic::set_hook(Box::new(move |panic| {
        told(panic);
        process::abort();
    }));
    LazyLock::force(&TARGET);
    0
}

/// Called with each input.
#[unsafe(no_mangle)]
extern "C" fn LLVMFuzzerTestOneInput(data: *const u8, length: usize) -> i32 {
    // SAFETY: libFuzzer hands over `length` bytes, and leaves them alone until this returns.
    let data = if length == 0 { &[] } else { unsafe { slice::from_raw_parts(data, length) } };
    (TARGET.run)(data);
    0
}
