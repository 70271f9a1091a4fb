//! What a running process holds on to, as the kernel tells.

/// Memory, descriptors and threads of a process at one moment.
#[derive(Clone, Copy, Debug)]
pub struct Vitals {
    /// Resident memory in bytes.
    pub resident: u64,
    /// Open files and sockets.
    pub descriptors: usize,
    /// Threads.
    pub threads: u64,
}

impl Vitals {
    /// Those of the process of that number.
    ///
    /// # Panics
    /// When there is none.
    pub fn of(process: u32) -> Self {
        let status = std::fs::read_to_string(format!("/proc/{process}/status"))
            .expect("the process is there");
        let descriptors =
            std::fs::read_dir(format!("/proc/{process}/fd")).expect("the process is ours").count();
        Self {
            resident: field(&status, "VmRSS:") * 1024,
            descriptors,
            threads: field(&status, "Threads:"),
        }
    }
}

fn field(status: &str, name: &str) -> u64 {
    let value = status.lines().find_map(|line| line.strip_prefix(name));
    let digits = value.and_then(|value| value.split_whitespace().next());
    digits.and_then(|digits| digits.parse().ok()).unwrap_or_else(|| panic!("{name} in {status}"))
}
