//! Owns: ending an HTTP/1.1 connection whose peer does not: for want of requests, and at the drain.
//!
//! A connection is polled twice a request, and shutdown and clock next to never have anything to say.
//! So both are asked once, for them to know whom to wake, and then again only where a flag tells that
//! they called.

use std::future::Future as _;
use std::pin::Pin;
use std::task::Context;
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep};
use tokio_util::sync::WaitForCancellationFutureOwned;

use super::activity::Activity;
use crate::shutdown::Shutdown;

/// Looks at a connection within the time for which it may be idle. It ends at the first look after.
const LOOKS: u32 = 2;

/// What is to become of the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    Serve,
    /// Answer what is under way, then end. Told once.
    Drain,
    Close,
}

/// How far the end of a connection has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Serving,
    /// The process ends. The next answer says that it is the last one; until then, a peer that has sent a
    /// request meanwhile must not find the connection closed.
    Lingering,
    Draining,
}

/// Watches one connection. To be polled by one task only, before the connection itself.
pub(super) struct Watch {
    shutdown: Shutdown,
    begun: Pin<Box<WaitForCancellationFutureOwned>>,
    clock: Pin<Box<Sleep>>,
    period: Duration,
    activity: Activity,
    /// Requests that had begun at the last look.
    seen: u32,
    idle_looks: u32,
    unasked: bool,
    linger: Duration,
    phase: Phase,
}

impl Watch {
    /// Closes a connection that has no request for `idle`, or up to half of that longer, and at the drain
    /// one that has none for `linger`.
    pub(super) fn new(
        shutdown: Shutdown,
        activity: Activity,
        idle: Duration,
        linger: Duration,
    ) -> Self {
        let period = idle / LOOKS;
        Self {
            begun: Box::pin(shutdown.begun_owned()),
            shutdown,
            clock: Box::pin(sleep(period)),
            period,
            seen: activity.begun(),
            activity,
            idle_looks: 0,
            unasked: true,
            linger,
            phase: Phase::Serving,
        }
    }

    /// What is to become of the connection now.
    pub(super) fn poll(&mut self, context: &mut Context<'_>) -> Step {
        // First thing in the task, so that its budget is whole and both do remember whom to wake.
        if self.unasked {
            self.unasked = false;
            let _asked_to_wake_us = self.begun.as_mut().poll(context);
            let _asked_to_wake_us = self.clock.as_mut().poll(context);
        }
        if self.phase == Phase::Serving && self.shutdown.has_begun() {
            self.phase = Phase::Lingering;
            self.activity.answer_for_the_last_time();
            self.wait(self.linger, context);
        }
        if !self.clock.is_elapsed() {
            return Step::Serve;
        }
        if self.phase == Phase::Lingering {
            self.phase = Phase::Draining;
            self.wait(self.period, context);
            return Step::Drain;
        }
        self.look(context)
    }

    fn wait(&mut self, time: Duration, context: &mut Context<'_>) {
        self.clock.as_mut().reset(Instant::now() + time);
        let _asked_to_wake_us = self.clock.as_mut().poll(context);
    }

    fn look(&mut self, context: &mut Context<'_>) -> Step {
        if self.activity.is_idle_since(self.seen) {
            self.idle_looks = self.idle_looks.saturating_add(1);
        } else {
            self.idle_looks = 0;
        }
        self.seen = self.activity.begun();
        if self.idle_looks >= LOOKS {
            return Step::Close;
        }
        self.wait(self.period, context);
        Step::Serve
    }
}
