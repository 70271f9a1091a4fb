//! Owns: waking the load when a request is due, to the microsecond: epoll's own timeout counts whole
//! milliseconds.

use std::time::Duration;

use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::io::{Errno, read};
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};

#[derive(Debug)]
pub(super) struct Timer(OwnedFd);

impl Timer {
    pub(super) fn new() -> rustix::io::Result<Self> {
        timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC)
            .map(Self)
    }

    /// Once, `after` from now, in place of what was armed.
    pub(super) fn arm(&self, after: Duration) -> rustix::io::Result<()> {
        let after = Timespec {
            tv_sec: i64::try_from(after.as_secs()).unwrap_or(i64::MAX),
            // Zero would disarm it.
            tv_nsec: i64::from(after.subsec_nanos().max(1)),
        };
        let once = Itimerspec { it_interval: Timespec { tv_sec: 0, tv_nsec: 0 }, it_value: after };
        timerfd_settime(&self.0, TimerfdTimerFlags::empty(), &once).map(drop)
    }

    /// Notes that it has fired.
    pub(super) fn take(&self) -> rustix::io::Result<()> {
        let mut count = [0; 8];
        match read(&self.0, &mut count) {
            Ok(_) | Err(Errno::AGAIN) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

impl AsFd for Timer {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
