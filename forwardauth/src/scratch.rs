//! Owns: the memory that answers are written into, used again once they are sent.

use std::sync::{Mutex, PoisonError};

use bytes::{Bytes, BytesMut};

/// One allocation serves about this many bytes of answers.
const CHUNK: usize = 4 * 1024;

/// A piece of memory that is cut into answers. Never contended where each thread has its own.
#[derive(Debug)]
pub(crate) struct Scratch(Mutex<BytesMut>);

impl Scratch {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(BytesMut::with_capacity(CHUNK)))
    }

    /// What `write` writes.
    pub(crate) fn write(&self, write: impl FnOnce(&mut BytesMut)) -> Bytes {
        // Left-overs of a writer that panicked belong to nobody.
        let mut memory = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        memory.clear();
        write(&mut memory);
        memory.split().freeze()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_do_not_run_into_each_other() {
        let scratch = Scratch::new();
        let answers: Vec<Bytes> = (0..2_000)
            .map(|number: u32| scratch.write(|out| out.extend_from_slice(&number.to_be_bytes())))
            .collect();
        for (number, answer) in (0_u32..).zip(answers) {
            assert_eq!(answer, number.to_be_bytes().as_slice());
        }
    }
}
