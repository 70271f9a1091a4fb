//! Owns: what readers and the connection's task share: commands that were not written yet, and who
//! waits for which answer. Places are used again, so that a read allocates nothing.

use std::collections::VecDeque;
use std::task::{Poll, Waker};

use bytes::{Bytes, BytesMut};

use crate::store::StoreError;

pub(super) type Answer = Result<Option<Bytes>, StoreError>;

/// Most reads that may be under way; beyond, Redis does not keep up and waiting helps nobody.
const READS_MAX: usize = 16 * 1024;

/// A reader's place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place(usize);

/// Who gets an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asker {
    /// Of one field.
    Value(Place),
    /// Of several.
    Fields(Place),
    /// The connection itself, which asked whether it lives.
    Link,
}

#[derive(Debug, Default)]
pub(super) struct Queue {
    pub(super) up: bool,
    /// Commands that were not written yet, and how many they are.
    out: BytesMut,
    unwritten: usize,
    places: Vec<State>,
    free: Vec<Place>,
    /// In the order of the commands.
    askers: VecDeque<Asker>,
    /// The connection's task, where it waits.
    link: Option<Waker>,
}

#[derive(Debug)]
enum State {
    Free,
    Waiting(Option<Waker>),
    Answered(Answer),
    /// Whoever asked gave up; the answer is still to come.
    Abandoned,
}

impl Queue {
    /// Adds a command that `write` writes, for a reader of `kind` who will ask at the place returned. Wake
    /// the waker, where there is one, after letting go of the queue.
    pub(super) fn ask(
        &mut self,
        kind: fn(Place) -> Asker,
        write: impl FnOnce(&mut BytesMut),
    ) -> Result<(Place, Option<Waker>), StoreError> {
        if !self.up || self.askers.len() >= READS_MAX {
            return Err(StoreError::Unavailable);
        }
        let place = self.free.pop().unwrap_or_else(|| {
            self.places.push(State::Free);
            Place(self.places.len().saturating_sub(1))
        });
        self.set(place, State::Waiting(None));
        self.push(kind(place), write);
        Ok((place, self.link.take()))
    }

    /// Adds a command of the connection's own.
    pub(super) fn push(&mut self, asker: Asker, write: impl FnOnce(&mut BytesMut)) {
        write(&mut self.out);
        self.unwritten = self.unwritten.saturating_add(1);
        self.askers.push_back(asker);
    }

    /// The answer at `place`, once; else remembers whom to wake.
    pub(super) fn poll(&mut self, place: Place, waker: &Waker) -> Poll<Answer> {
        match self.places.get_mut(place.0) {
            Some(State::Waiting(known)) => {
                if !known.as_ref().is_some_and(|known| known.will_wake(waker)) {
                    *known = Some(waker.clone());
                }
                Poll::Pending
            }
            Some(state @ State::Answered(_)) => {
                let answered = std::mem::replace(state, State::Free);
                self.free.push(place);
                match answered {
                    State::Answered(answer) => Poll::Ready(answer),
                    _ => Poll::Ready(Err(StoreError::Unavailable)),
                }
            }
            _ => Poll::Ready(Err(StoreError::Unavailable)),
        }
    }

    /// The reader at `place` gave up before it had its answer.
    pub(super) fn abandon(&mut self, place: Place) {
        match self.places.get_mut(place.0) {
            Some(state @ State::Waiting(_)) => *state = State::Abandoned,
            Some(State::Answered(_)) => self.release(place),
            _ => {}
        }
    }

    /// Takes what is to be written, in exchange for an empty buffer, and how many commands it is.
    pub(super) fn take_out(&mut self, spare: &mut BytesMut) -> usize {
        std::mem::swap(&mut self.out, spare);
        std::mem::take(&mut self.unwritten)
    }

    /// Whom to wake when there is something to write.
    pub(super) fn wait(&mut self, waker: &Waker) {
        if !self.link.as_ref().is_some_and(|known| known.will_wake(waker)) {
            self.link = Some(waker.clone());
        }
    }

    /// Who asked first.
    pub(super) fn next_asker(&mut self) -> Option<Asker> {
        self.askers.pop_front()
    }

    /// Leaves an answer, and tells whom to wake.
    pub(super) fn answer(&mut self, place: Place, answer: Answer) -> Option<Waker> {
        match self.places.get_mut(place.0) {
            Some(state @ State::Waiting(_)) => {
                match std::mem::replace(state, State::Answered(answer)) {
                    State::Waiting(waker) => waker,
                    _ => None,
                }
            }
            Some(State::Abandoned) => {
                self.release(place);
                None
            }
            _ => None,
        }
    }

    /// The connection is gone: everybody who waits is told `error`.
    pub(super) fn fail(&mut self, error: &StoreError) -> Vec<Waker> {
        self.up = false;
        self.out.clear();
        self.unwritten = 0;
        let mut wakers = Vec::new();
        while let Some(asker) = self.next_asker() {
            if let Asker::Value(place) | Asker::Fields(place) = asker {
                wakers.extend(self.answer(place, Err(error.clone())));
            }
        }
        wakers
    }

    fn set(&mut self, place: Place, to: State) {
        if let Some(state) = self.places.get_mut(place.0) {
            *state = to;
        }
    }

    fn release(&mut self, place: Place) {
        self.set(place, State::Free);
        self.free.push(place);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn queue() -> Queue {
        Queue { up: true, ..Queue::default() }
    }

    fn ask(queue: &mut Queue) -> Place {
        queue.ask(Asker::Value, |out| out.extend_from_slice(b"x")).unwrap().0
    }

    #[test]
    fn nobody_is_served_while_the_connection_is_down() {
        assert_eq!(
            Queue::default().ask(Asker::Value, |_| {}).unwrap_err(),
            StoreError::Unavailable
        );
    }

    #[test]
    fn all_who_wait_are_told_when_the_connection_goes() {
        let mut queue = queue();
        let places = [ask(&mut queue), ask(&mut queue)];
        queue.push(Asker::Link, |_| {});
        drop(queue.fail(&StoreError::TimedOut));
        for place in places {
            assert_eq!(queue.poll(place, Waker::noop()), Poll::Ready(Err(StoreError::TimedOut)));
        }
        assert!(!queue.up && queue.next_asker().is_none());
    }

    #[derive(Debug, Clone, Copy)]
    enum Step {
        Ask,
        Answer,
        GiveUp(usize),
        Collect(usize),
        Break,
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            3 => Just(Step::Ask),
            3 => Just(Step::Answer),
            1 => (0..8_usize).prop_map(Step::GiveUp),
            2 => (0..8_usize).prop_map(Step::Collect),
            1 => Just(Step::Break),
        ]
    }

    proptest! {
        /// Whatever happens in whatever order, nobody gets the answer to another's question (class T8).
        #[test]
        fn t08_every_answer_goes_to_who_asked(steps in proptest::collection::vec(step(), 0..200)) {
            let mut queue = queue();
            // What each reader must get, beside the place where it asks.
            let mut readers: Vec<(Place, usize)> = Vec::new();
            let (mut asked, mut answered) = (0, 0);
            for step in steps {
                match step {
                    Step::Ask => {
                        readers.push((ask(&mut queue), asked));
                        asked += 1;
                    }
                    Step::Answer => if let Some(Asker::Value(place)) = queue.next_asker() {
                        drop(queue.answer(place, Ok(Some(answered.to_string().into()))));
                        answered += 1;
                    }
                    Step::GiveUp(at) if at < readers.len() => queue.abandon(readers.remove(at).0),
                    Step::Collect(at) if at < readers.len() => {
                        let (place, number) = readers[at];
                        match queue.poll(place, Waker::noop()) {
                            Poll::Pending => prop_assert!(number >= answered),
                            Poll::Ready(answer) => {
                                if let Ok(value) = answer {
                                    prop_assert_eq!(value.unwrap(), Bytes::from(number.to_string()));
                                }
                                readers.remove(at);
                            }
                        }
                    }
                    Step::Break => {
                        drop(queue.fail(&StoreError::Unavailable));
                        answered = asked;
                        queue.up = true;
                    }
                    Step::GiveUp(_) | Step::Collect(_) => {}
                }
            }
            let waiting = queue.askers.len();
            prop_assert!(queue.places.len() <= waiting + readers.len() + queue.free.len());
        }
    }
}
