//! Owns: the CPU time of another process, from the kernel's own accounting of its threads.

use std::fs;
use std::time::Duration;

/// User and system time of all threads of `pid` so far, to the nanosecond.
///
/// # Errors
/// If there is no such process.
pub fn of(pid: u32) -> std::io::Result<Duration> {
    let mut nanoseconds = 0;
    for thread in fs::read_dir(format!("/proc/{pid}/task"))? {
        let schedstat = fs::read_to_string(thread?.path().join("schedstat")).unwrap_or_default();
        let on_cpu: Option<u64> =
            schedstat.split_ascii_whitespace().next().and_then(|text| text.parse().ok());
        nanoseconds += on_cpu.unwrap_or_default();
    }
    Ok(Duration::from_nanos(nanoseconds))
}

/// Resident memory of `pid` in KiB.
///
/// # Errors
/// If there is no such process.
pub fn resident_kib(pid: u32) -> std::io::Result<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap_or_default();
    let number = line.split_ascii_whitespace().nth(1).and_then(|text| text.parse().ok());
    Ok(number.unwrap_or_default())
}
