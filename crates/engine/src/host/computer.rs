use std::time::Instant;

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

/// Bytes that are read to measure: more than any cache holds.
const BUFFER: usize = 256 << 20;

/// How often: the fastest counts.
const ROUNDS: usize = 4;

/// Cores that this program may use: of a container with a part of the computer, that part.
pub fn cores() -> usize {
    num_cpus::get_physical().min(num_cpus::get()).max(1)
}

/// Bytes that all cores together read in a second from memory, measured in about a tenth of a second; None where that would take most
/// of what is free.
pub fn memory_speed() -> Option<f64> {
    free_memory().filter(|free| *free > 4 * BUFFER as u64)?;
    let words = BUFFER / size_of::<u64>();
    let cores = cores();
    let buffer = vec![1_u64; words];
    let mut best = f64::INFINITY;
    for _ in 0..ROUNDS {
        let began = Instant::now();
        let total: u64 = std::thread::scope(|scope| {
            let parts = buffer.chunks(words.div_ceil(cores));
            let sum = |part: &[u64]| part.iter().fold(0_u64, |sum, word| sum.wrapping_add(*word));
            let sums: Vec<_> = parts.map(|part| scope.spawn(move || sum(part))).collect();
            sums.into_iter().filter_map(|sum| sum.join().ok()).sum()
        });
        // Looked at, so that nothing is left out as useless.
        if std::hint::black_box(total) == words as u64 {
            best = best.min(began.elapsed().as_secs_f64());
        }
    }
    best.is_finite().then(|| BUFFER as f64 / best)
}

#[cfg(test)]
mod tests {
    #[test]
    fn memory_is_read_at_some_speed() {
        assert!(super::memory_speed().is_none_or(|bytes| bytes > 1e8 && bytes < 1e14));
    }

    #[test]
    fn this_computer_has_memory() {
        let all = super::memory_of_this_computer().unwrap();
        assert!(all > 256 << 20 && super::free_memory().unwrap() < all);
    }
}
