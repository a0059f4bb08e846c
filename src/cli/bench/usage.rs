//! What processes and threads have used, as Linux counts it; nothing where there is no `/proc`.

use std::fs;

/// Ticks per second in `/proc`: 100 in every Linux ABI.
const TICKS: f64 = 100.0;

/// CPU seconds of one process, user and system, all its threads.
pub(super) fn process_seconds(pid: u32) -> Option<f64> {
    Stat::read(&format!("/proc/{pid}/stat")).map(|stat| stat.own as f64 / TICKS)
}

/// CPU seconds of a postmaster and every process it ever started; `None` when it cannot be read.
pub(super) fn tree_seconds(postmaster: u32) -> Option<f64> {
    let root = Stat::read(&format!("/proc/{postmaster}/stat"))?;
    let children = fs::read_dir("/proc").ok()?.flatten().filter_map(|entry| {
        entry.file_name().to_str()?.parse::<u32>().ok()?;
        Stat::read(&entry.path().join("stat").to_string_lossy()).filter(|stat| stat.parent == postmaster)
    });
    let ticks = root.own + root.reaped + children.map(|stat| stat.own + stat.reaped).sum::<u64>();
    Some(ticks as f64 / TICKS)
}

/// CPU seconds of this process's threads of that name.
pub(super) fn threads_seconds(name: &str) -> Option<f64> {
    let tasks = fs::read_dir("/proc/self/task").ok()?.flatten();
    let stats = tasks.filter_map(|task| Stat::read(&task.path().join("stat").to_string_lossy()));
    Some(stats.filter(|stat| stat.name == name).map(|stat| stat.own).sum::<u64>() as f64 / TICKS)
}

/// The process that started this one, and its own name.
pub(super) fn parent_of(pid: u32) -> Option<(u32, String)> {
    Stat::read(&format!("/proc/{pid}/stat")).map(|stat| (stat.parent, stat.name))
}

/// Resident memory of a process in MiB: now, and the most there ever was.
pub(super) fn memory_mib(pid: u32) -> Option<(f64, f64)> {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    Some((kibibytes(&text, "VmRSS:")? / 1024.0, kibibytes(&text, "VmHWM:")? / 1024.0))
}

fn kibibytes(status: &str, name: &str) -> Option<f64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

/// Part of `/proc/…/stat`.
#[derive(Debug, PartialEq)]
struct Stat {
    name: String,
    parent: u32,
    /// Ticks of its own.
    own: u64,
    /// Ticks of the children that it has waited for.
    reaped: u64,
}

impl Stat {
    fn read(path: &str) -> Option<Self> {
        Self::parse(&fs::read_to_string(path).ok()?)
    }

    /// See proc(5). The name may hold anything, brackets included, so the last one ends it.
    fn parse(text: &str) -> Option<Self> {
        let (before, after) = text.rsplit_once(')')?;
        let (_, name) = before.split_once('(')?;
        let fields: Vec<&str> = after.split_whitespace().collect();
        let ticks = |index: usize| fields.get(index)?.parse::<u64>().ok();
        let (own, reaped) = (ticks(11)? + ticks(12)?, ticks(13)? + ticks(14)?);
        Some(Self { name: name.to_owned(), parent: fields.get(1)?.parse().ok()?, own, reaped })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_of_a_process_is_read() {
        let line = "4711 (a) b)) S 42 1 1 0 -1 4194560 1 2 3 4 700 50 9 1 20 0 1 0 5 6 7";
        let stat = Stat { name: "a) b)".to_owned(), parent: 42, own: 750, reaped: 10 };
        assert_eq!(Stat::parse(line), Some(stat));
        assert_eq!(Stat::parse("4711 (short) S 42"), None);
    }

    #[test]
    fn memory_is_read_by_name() {
        let status = "Name:\tx\nVmHWM:\t  204800 kB\nVmRSS:\t    1024 kB\n";
        assert_eq!((kibibytes(status, "VmRSS:"), kibibytes(status, "VmHWM:")), (Some(1024.0), Some(204_800.0)));
        assert_eq!(kibibytes(status, "VmSwap:"), None);
    }

    #[test]
    fn this_process_can_be_read() {
        let pid = std::process::id();
        assert!(process_seconds(pid).is_some() && memory_mib(pid).is_some() && tree_seconds(pid).is_some());
    }
}
