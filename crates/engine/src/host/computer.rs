use sysinfo::{MemoryRefreshKind, RefreshKind, System};

/// How many bytes of memory this computer has, or what this program is limited to; None if it does not tell.
pub fn memory_of_this_computer() -> Option<u64> {
    let kind = RefreshKind::nothing().with_memory(MemoryRefreshKind::nothing().with_ram());
    let system = System::new_with_specifics(kind).ok()?;
    let limit = system.cgroup_limits().map_or(u64::MAX, |limits| limits.total_memory);
    Some(system.total_memory().min(limit)).filter(|bytes| *bytes > 0)
}

/// How many bytes of memory are free now, within the limits this program is under; None if the system does not tell.
pub fn free_memory() -> Option<u64> {
    let kind = RefreshKind::nothing().with_memory(MemoryRefreshKind::nothing().with_ram());
    let system = System::new_with_specifics(kind).ok()?;
    // Within a limit, pages of files that were read or written count as used, but they go where memory is wanted.
    let limited = system.cgroup_limits().map_or(u64::MAX, |limits| limits.total_memory.saturating_sub(limits.rss));
    Some(system.available_memory()).filter(|free| *free > 0).map(|free| free.min(limited))
}

#[cfg(test)]
mod tests {
    #[test]
    fn this_computer_has_memory() {
        let all = super::memory_of_this_computer().unwrap();
        assert!(all > 256 << 20 && super::free_memory().unwrap() < all);
    }
}
