//! Owns: the one source of randomness of both programs.

use std::sync::atomic::{AtomicU64, Ordering};

use ring::rand::{SecureRandom, SystemRandom as Kernel};

/// A source of unpredictable bytes.
pub trait Random: Send + Sync {
    /// Fills `out`.
    fn fill(&self, out: &mut [u8]);
}

impl dyn Random + '_ {
    /// `N` fresh bytes.
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut out = [0; N];
        self.fill(&mut out);
        out
    }
}

/// The kernel's generator.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemRandom;

impl Random for SystemRandom {
    fn fill(&self, out: &mut [u8]) {
        // `getrandom(2)` fails only where the kernel has none. To go on with predictable session
        // ids would be worse than to stop.
        if Kernel::new().fill(out).is_err() {
            std::process::abort();
        }
    }
}

/// A counter dressed as randomness, so that tests see the same bytes at every run.
#[derive(Debug, Default)]
pub struct CountingRandom(AtomicU64);

impl Random for CountingRandom {
    fn fill(&self, out: &mut [u8]) {
        for chunk in out.chunks_mut(8) {
            let next = self.0.fetch_add(1, Ordering::SeqCst).to_be_bytes();
            for (to, from) in chunk.iter_mut().zip(next) {
                *to = from;
            }
        }
    }
}
