//! Other computers that were named to compute along, and what came of connecting to them.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError, mpsc};
use std::time::{Duration, Instant};

use protocol::Problem;
use protocol::worker::{Device, DeviceKind, LeftOut};

use crate::llama;

/// Names other computers that compute along, as in `127.0.0.1:50052,127.0.0.1:50053`.
pub(crate) const WORKERS: &str = "TAKI_WORKERS";

/// The other computers that it names.
pub(crate) fn named_in_environment() -> Vec<String> {
    let named = std::env::var(WORKERS).unwrap_or_default();
    named.split(',').map(str::trim).filter(|address| !address.is_empty()).map(str::to_owned).collect()
}

/// So soon nobody has mended anything.
const MOMENT: Duration = Duration::from_secs(10);

/// What came of connecting to addresses.
struct Computers {
    all: Vec<(String, Result<SocketAddr, Problem>)>,
    tried: Instant,
}

/// The devices there are with their numbers, other computers' among them, called as they were named. Connects to them when that is asked first.
pub(super) fn devices() -> Vec<(usize, Device)> {
    computers(|computers| {
        let mut devices = llama::devices();
        for (_, device) in devices.iter_mut().filter(|(_, device)| device.kind == DeviceKind::Remote) {
            let is_there = |reached: &SocketAddr| reached.to_string() == device.description;
            if let Some((name, _)) = computers.all.iter().find(|(_, reached)| reached.as_ref().is_ok_and(is_there)) {
                device.description.clone_from(name);
            }
        }
        devices
    })
}

/// The other computers that were named and cannot be used. Connects to them when that is asked first.
pub(super) fn unusable() -> Vec<LeftOut> {
    computers(|computers| {
        let left = computers.all.iter().filter_map(|(address, reached)| Some((address, reached.as_ref().err()?)));
        left.map(|(address, problem)| LeftOut { rung: address.clone(), problem: problem.clone() }).collect()
    })
}

/// Tries again to connect to those that could not be reached: a cable may be in again, and a program run there. Not what was tried a moment
/// ago.
pub(super) fn connect_again() {
    computers(|computers| {
        if computers.tried.elapsed() < MOMENT {
            return;
        }
        let lost = computers.all.extract_if(.., |(_, reached)| reached.is_err()).map(|(address, _)| address).collect();
        computers.connect(lost);
        computers.tried = Instant::now();
    });
}

fn computers<T>(look: impl FnOnce(&mut Computers) -> T) -> T {
    static COMPUTERS: Mutex<Option<Computers>> = Mutex::new(None);
    let mut computers = COMPUTERS.lock().unwrap_or_else(PoisonError::into_inner);
    look(computers.get_or_insert_with(|| {
        let mut addresses = named_in_environment();
        addresses.sort_unstable();
        addresses.dedup();
        let mut computers = Computers { all: Vec::new(), tried: Instant::now() };
        computers.connect(addresses);
        computers
    }))
}

impl Computers {
    /// Connects to `addresses`. Those that are not there are waited for at the same time, and one that answers is taken at once: it might serve
    /// somebody else a moment later. One that was named twice, as `localhost` and by number, is taken once: it has its memory once.
    fn connect(&mut self, addresses: Vec<String>) {
        let mut named: BTreeMap<SocketAddr, Vec<String>> = BTreeMap::new();
        for (address, found) in at_once(addresses, |address| llama::find_remote(address)) {
            match found {
                Ok(at) if self.has(at) => self.all.push((address, Ok(at))),
                Ok(at) => named.entry(at).or_default().push(address),
                Err(problem) => self.all.push((address, Err(problem))),
            }
        }
        for ((at, names), reached) in at_once(named, |(at, names)| llama::reach_remote(&names[0], *at)) {
            let added = reached.and_then(|()| llama::add_remote(&names[0], at));
            self.all.extend(names.into_iter().map(|name| {
                let added = added.clone().map(|()| at).map_err(|problem| problem.with("address", &name));
                (name, added)
            }));
        }
        self.all.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
    }

    fn has(&self, at: SocketAddr) -> bool {
        self.all.iter().any(|(_, reached)| reached.as_ref().is_ok_and(|other| *other == at))
    }
}

/// What comes of each, as it comes.
fn at_once<T: Send + 'static, U: Send + 'static>(
    all: impl IntoIterator<Item = T>,
    look: impl Fn(&T) -> U + Copy + Send + 'static,
) -> impl Iterator<Item = (T, U)> {
    let (told, found) = mpsc::channel();
    for one in all {
        let told = told.clone();
        std::thread::spawn(move || {
            let came = look(&one);
            // Nobody listens any more only where the worker ends.
            let _ = told.send((one, came));
        });
    }
    found.into_iter()
}
