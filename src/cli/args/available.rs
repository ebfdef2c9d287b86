//! How much memory this process may still take.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// How much memory is left, and what bounds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Available {
    /// Bytes; `u64::MAX` where nothing is known, as on systems without /proc.
    pub bytes: u64,
    /// What would have to be raised.
    pub bound: &'static str,
}

/// The least that the machine, the container and the limits of this process leave.
pub fn available() -> Available {
    let text = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let (limits, status) = (text("/proc/self/limits"), text("/proc/self/status"));
    let left = |limit: &str, used: &str| {
        let used = kilobytes(&status, used).unwrap_or(0);
        Some(soft_limit(&limits, limit)?.saturating_sub(used))
    };
    let machine = free(&text("/proc/meminfo"));
    let groups = groups(&text("/proc/self/cgroup"));
    let container = groups.iter().filter_map(left_in_group).min();
    let bounds = [
        (machine, "free memory of this machine"),
        (container, "memory limit of the container (cgroup)"),
        (
            left("Max address space", "VmSize:"),
            "limit on the address space of this process (ulimit -v)",
        ),
        (
            left("Max data size", "VmData:"),
            "limit on the data of this process (ulimit -d)",
        ),
    ];
    let known = bounds
        .into_iter()
        .filter_map(|(bytes, bound)| bytes.map(|bytes| Available { bytes, bound }));
    known.min_by_key(|known| known.bytes).unwrap_or(Available {
        bytes: u64::MAX,
        bound: "",
    })
}

/// How many threads a limit on the address space has room for. The allocator keeps 64 MiB of it for each, and the
/// stack is there, too: threads that leave nothing for the work are of no use.
pub fn threads_that_fit() -> usize {
    const OF_A_THREAD: u64 = 72 << 20;
    let text = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let used = kilobytes(&text("/proc/self/status"), "VmSize:").unwrap_or(0);
    match soft_limit(&text("/proc/self/limits"), "Max address space") {
        None => usize::MAX,
        // The one that is there has its stack already.
        Some(limit) => 1 + (limit.saturating_sub(used) / OF_A_THREAD) as usize,
    }
}

/// The number of kB behind a name, in bytes.
fn kilobytes(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    let number: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    number.checked_mul(1024)
}

/// What /proc/meminfo says can be taken; a machine that swaps has more.
fn free(meminfo: &str) -> Option<u64> {
    let swap = kilobytes(meminfo, "SwapFree:").unwrap_or(0);
    Some(kilobytes(meminfo, "MemAvailable:")?.saturating_add(swap))
}

/// A limit in /proc/self/limits, if there is one.
fn soft_limit(limits: &str, name: &str) -> Option<u64> {
    let line = limits.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

/// A control group: its folder, and how its files are called.
#[derive(Debug, PartialEq, Eq)]
struct Group {
    folder: PathBuf,
    files: &'static Files,
}

/// The names of the files of a control group, and of the caches in its memory.stat, which give way.
#[derive(Debug, PartialEq, Eq)]
struct Files {
    most: &'static str,
    used: &'static str,
    caches: [&'static str; 2],
}

const V1: Files = Files {
    most: "memory.limit_in_bytes",
    used: "memory.usage_in_bytes",
    caches: ["total_inactive_file ", "total_active_file "],
};
const V2: Files = Files {
    most: "memory.max",
    used: "memory.current",
    caches: ["inactive_file ", "active_file "],
};

/// The groups that bound the memory, from what /proc/self/cgroup says: each with those that it lies in.
fn groups(cgroup: &str) -> Vec<Group> {
    let mut groups = Vec::new();
    for line in cgroup.lines() {
        let mut parts = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(path)) = (parts.next(), parts.next()) else {
            continue;
        };
        let (mount, files) = match controllers {
            "" => ("/sys/fs/cgroup", &V2),
            names if names.split(',').any(|name| name == "memory") => {
                ("/sys/fs/cgroup/memory", &V1)
            }
            _ => continue,
        };
        // In a container the path may be that of the host, and only the mount itself is there.
        for part in Path::new(path).ancestors() {
            let part = part.strip_prefix("/").unwrap_or(part);
            let folder = Path::new(mount).join(part);
            groups.push(Group { folder, files });
        }
    }
    groups
}

/// What the limit of a group leaves; none without one.
fn left_in_group(group: &Group) -> Option<u64> {
    let read = |name: &str| fs::read_to_string(group.folder.join(name)).ok();
    let number = |name: &str| read(name)?.trim().parse::<u64>().ok();
    let (most, used) = (number(group.files.most)?, number(group.files.used)?);
    let cached = cached(&read("memory.stat").unwrap_or_default(), group.files);
    Some(most.saturating_sub(used.saturating_sub(cached)))
}

fn cached(stat: &str, files: &Files) -> u64 {
    let numbers = files.caches.into_iter().filter_map(|name| {
        let number = stat.lines().find_map(|line| line.strip_prefix(name))?;
        number.trim().parse::<u64>().ok()
    });
    numbers.sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_system_says_is_read() {
        let meminfo = "MemTotal:        8000000 kB\nMemFree:          100000 kB\n\
                       MemAvailable:    3000000 kB\nSwapFree:              5 kB\n";
        assert_eq!(free(meminfo), Some(3_000_005 * 1024));
        assert_eq!(free("MemFree: 1 kB"), None);

        let limits = "Limit                     Soft Limit           Hard Limit           Units     \n\
                      Max data size             unlimited            unlimited            bytes     \n\
                      Max address space         25165824             unlimited            bytes     \n";
        assert_eq!(soft_limit(limits, "Max address space"), Some(24 << 20));
        assert_eq!(soft_limit(limits, "Max data size"), None);
        assert_eq!(soft_limit("", "Max data size"), None);
    }

    #[test]
    fn the_groups_of_both_versions_are_found_with_those_that_they_lie_in() {
        let folders = |text: &str| {
            let folders = groups(text).into_iter().map(|group| group.folder);
            folders.map(|f| f.display().to_string()).collect::<Vec<_>>()
        };
        assert_eq!(
            folders("0::/user.slice/job\n"),
            [
                "/sys/fs/cgroup/user.slice/job",
                "/sys/fs/cgroup/user.slice",
                "/sys/fs/cgroup/"
            ]
        );
        assert_eq!(
            folders("9:name=systemd:/\n4:memory,hugetlb:/docker/a:b\n1:cpu:/\n"),
            [
                "/sys/fs/cgroup/memory/docker/a:b",
                "/sys/fs/cgroup/memory/docker",
                "/sys/fs/cgroup/memory/"
            ]
        );
        assert!(folders("nonsense").is_empty());
    }

    #[test]
    fn a_group_leaves_what_is_not_used_but_for_caches() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
        let group = Group {
            folder: folder.path().to_owned(),
            files: &V2,
        };
        assert_eq!(left_in_group(&group), None);
        write("memory.max", "max\n");
        write("memory.current", "900\n");
        assert_eq!(left_in_group(&group), None, "no limit");
        write("memory.max", "1000\n");
        assert_eq!(left_in_group(&group), Some(100));
        let stat = "anon 300\nfile 600\ninactive_file 500\nactive_file 100\nworkingset_x 7\n";
        write("memory.stat", stat);
        assert_eq!(left_in_group(&group), Some(700));
    }

    #[test]
    fn something_is_available_here() {
        assert!(available().bytes > 0);
    }
}
