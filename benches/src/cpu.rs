//! Owns: what the kernel counts: the CPU time and memory of a process, the work of a CPU, connections.

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

/// Time for which CPU `number` did anything at all since the machine started.
///
/// # Errors
/// If the kernel does not say.
pub fn busy(number: usize) -> std::io::Result<Duration> {
    let stat = fs::read_to_string("/proc/stat")?;
    Ok(parse_busy(&stat, number))
}

/// TCP connections that were accepted on this machine since it started.
///
/// # Errors
/// If the kernel does not say.
pub fn accepted() -> std::io::Result<u64> {
    Ok(parse_accepted(&fs::read_to_string("/proc/net/snmp")?))
}

/// Two lines begin with `Tcp:`: the names and the figures.
fn parse_accepted(snmp: &str) -> u64 {
    let mut rows = snmp.lines().filter_map(|line| line.strip_prefix("Tcp:"));
    let names = rows.next().unwrap_or_default().split_ascii_whitespace();
    let figures = rows.next().unwrap_or_default().split_ascii_whitespace();
    let found = names.zip(figures).find(|(name, _)| *name == "PassiveOpens");
    found.and_then(|(_, figure)| figure.parse().ok()).unwrap_or_default()
}

/// User, nice, system, (idle, iowait,) irq, softirq and stolen time, in hundredths of a second.
fn parse_busy(stat: &str, number: usize) -> Duration {
    let name = format!("cpu{number} ");
    let line = stat.lines().find_map(|line| line.strip_prefix(&name)).unwrap_or_default();
    let ticks = line
        .split_ascii_whitespace()
        .take(8)
        .enumerate()
        .filter(|(column, _)| !matches!(column, 3 | 4))
        .filter_map(|(_, text)| text.parse::<u64>().ok())
        .sum::<u64>();
    Duration::from_millis(ticks * 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_is_not_work() {
        let stat =
            "cpu  9 9 9 9 9 9 9 9 9 9\ncpu0 1 2 3 100 100 4 5 6 50 50\ncpu1 0 0 0 0 0 0 0 0 0 0\n";
        assert_eq!(parse_busy(stat, 0), Duration::from_millis(210));
        assert_eq!(parse_busy(stat, 1), Duration::ZERO);
    }

    #[test]
    fn a_figure_stands_below_its_name() {
        let snmp = "Ip: A B\nIp: 1 2\nTcp: RtoMin ActiveOpens PassiveOpens\nTcp: 200 17 42\n";
        assert_eq!(parse_accepted(snmp), 42);
    }
}
