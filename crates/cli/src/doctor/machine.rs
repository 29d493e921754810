//! What this computer is, apart from what the engine sees of it.

use std::fs;
use std::path::Path;

use serde::Serialize;
use sysinfo::{CpuRefreshKind, RefreshKind, System};

/// The computer.
#[derive(Debug, Clone, Default, Serialize)]
pub(super) struct Machine {
    /// The operating system with its version.
    pub(super) system: String,
    pub(super) kernel: String,
    pub(super) processor: String,
    /// Cores that this program may use, and threads.
    pub(super) cores: usize,
    pub(super) threads: usize,
    /// Bytes of memory, and how many are free.
    pub(super) memory: Option<u64>,
    pub(super) free: Option<u64>,
    /// Bytes of memory that all cores together read in a second, measured.
    pub(super) reads: Option<f64>,
    /// Programs that waited for a processor on average over the last minute, this one among them.
    pub(super) load: f64,
    /// How a window would be shown; None where there is no display.
    pub(super) display: Option<String>,
    /// Screens that are plugged in, with the size that each likes best.
    pub(super) screens: Vec<String>,
    /// Whether the system gives large pages to programs that ask; None where nothing tells.
    pub(super) large_pages: Option<bool>,
    /// Whether it runs from its battery; None without one.
    pub(super) on_battery: Option<bool>,
    /// Graphics cards, whether or not anything can use them.
    pub(super) cards: Vec<Card>,
}

/// A graphics card as the system lists it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Card {
    /// Who made it, or the number of who did.
    pub(super) maker: String,
    /// The system's driver of it.
    pub(super) driver: Option<String>,
    /// The driver's version; None for one that comes with the kernel.
    pub(super) version: Option<String>,
}

impl Machine {
    /// Looks, and measures for about half a second.
    pub(super) fn here() -> Self {
        let kind = RefreshKind::nothing().with_cpu(CpuRefreshKind::nothing());
        let cpus = System::new_with_specifics(kind).ok();
        let processor = cpus.as_ref().and_then(|system| system.cpus().first()).map(|cpu| cpu.brand().trim().to_owned());
        let (threads, cores) = (num_cpus::get(), engine::cores());
        Self {
            system: System::long_os_version().unwrap_or_else(|_| std::env::consts::OS.to_owned()),
            kernel: System::kernel_version().unwrap_or_default(),
            processor: processor.unwrap_or_default(),
            cores,
            threads,
            memory: engine::memory_of_this_computer(),
            free: engine::free_memory(),
            reads: engine::memory_speed(),
            load: System::load_average().map_or(0.0, |load| load.one),
            display: display(),
            screens: screens(Path::new("/sys/class/drm")),
            large_pages: large_pages(Path::new("/sys/kernel/mm/transparent_hugepage/enabled")),
            on_battery: on_battery(Path::new("/sys/class/power_supply")),
            cards: cards(Path::new("/sys/bus/pci/devices"), [Path::new("/sys/module"), Path::new("/proc/driver")]),
        }
    }
}

fn display() -> Option<String> {
    if cfg!(any(windows, target_os = "macos")) {
        return Some("the system's own".to_owned());
    }
    let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    set("WAYLAND_DISPLAY")
        .map(|name| format!("Wayland {name}"))
        .or_else(|| set("DISPLAY").map(|name| format!("X11 {name}")))
}

/// The screens that are plugged in, by the folder of the sockets for them: `card0-HDMI-A-1` and the like.
fn screens(folder: &Path) -> Vec<String> {
    let sockets = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut screens: Vec<String> = sockets
        .filter(|path| read(path, "status") == "connected")
        .filter_map(|path| {
            let (_, socket) = path.file_name()?.to_str()?.split_once('-')?;
            let modes = read(&path, "modes");
            let best = modes.lines().next().unwrap_or_default();
            Some(format!("{socket} {best}").trim_end().to_owned())
        })
        .collect();
    screens.sort();
    screens
}

/// What the system's file called `name` in the folder `path` says; nothing where there is none.
fn read(path: &Path, name: &str) -> String {
    fs::read_to_string(path.join(name)).unwrap_or_default().trim().to_owned()
}

/// What the file at `path` says, as in `always [madvise] never`.
fn large_pages(path: &Path) -> Option<bool> {
    let told = fs::read_to_string(path).ok()?;
    Some(!told.contains("[never]"))
}

/// Whether no power comes in, by the folder of what gives power.
fn on_battery(folder: &Path) -> Option<bool> {
    let supplies = fs::read_dir(folder).ok()?.flatten().map(|entry| entry.path());
    let (mut has_battery, mut plugged) = (false, false);
    for supply in supplies {
        match read(&supply, "type").as_str() {
            // A mouse has one, too.
            "Battery" => has_battery |= read(&supply, "scope") != "Device",
            _ => plugged |= read(&supply, "online") == "1",
        }
    }
    has_battery.then_some(!plugged)
}

/// Who makes graphics cards, by their PCI numbers.
const MAKERS: [(&str, &str); 3] = [("0x10de", "NVIDIA"), ("0x1002", "AMD"), ("0x8086", "Intel")];

/// Every graphics card in the folder of PCI devices, with what is told of drivers in `about`.
fn cards(folder: &Path, about: [&Path; 2]) -> Vec<Card> {
    let devices = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut cards: Vec<(std::path::PathBuf, Card)> = devices
        // Display controllers.
        .filter(|path| read(path, "class").starts_with("0x03"))
        .map(|path| {
            let vendor = read(&path, "vendor");
            let maker = MAKERS
                .iter()
                .find(|(number, _)| *number == vendor)
                .map_or(vendor.clone(), |(_, name)| (*name).to_owned());
            let driver = fs::read_link(path.join("driver")).ok();
            let driver = driver.and_then(|link| Some(link.file_name()?.to_string_lossy().into_owned()));
            let version = driver.as_deref().and_then(|driver| version(driver, about));
            (path, Card { maker, driver, version })
        })
        .collect();
    cards.sort_by(|(one, _), (other, _)| one.cmp(other));
    cards.into_iter().map(|(_, card)| card).collect()
}

/// The version of a driver that does not come with the kernel: what its module says, or else, as NVIDIA's does, a file of its own.
fn version(driver: &str, [modules, own]: [&Path; 2]) -> Option<String> {
    let told = read(&modules.join(driver), "version");
    if !told.is_empty() {
        return Some(told);
    }
    // `NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.129.03  Thu Oct 19 18:56:32 UTC 2023`, and a line on the compiler.
    let told = read(&own.join(driver), "version");
    let is_version = |word: &&str| word.contains('.') && word.chars().all(|c| c.is_ascii_digit() || c == '.');
    told.lines().next()?.split_whitespace().find(is_version).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(folder: &Path, name: &str, text: &str) {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    #[test]
    fn this_computer_is_one() {
        let here = Machine::here();
        assert!(here.cores >= 1 && here.threads >= here.cores && !here.system.is_empty());
        assert!(here.memory.unwrap() > 0);
    }

    #[test]
    fn a_battery_counts_only_while_nothing_is_plugged_in() {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path();
        assert_eq!(on_battery(&at.join("none")), None);
        file(at, "hidpp_0/type", "Battery\n");
        file(at, "hidpp_0/scope", "Device\n");
        assert_eq!(on_battery(at), None, "a mouse's");
        file(at, "BAT0/type", "Battery\n");
        file(at, "AC/type", "Mains\n");
        file(at, "AC/online", "0\n");
        assert_eq!(on_battery(at), Some(true));
        file(at, "AC/online", "1\n");
        assert_eq!(on_battery(at), Some(false));
    }

    #[test]
    fn cards_are_found_with_and_without_a_driver() {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path();
        file(at, "0000:01:00.0/class", "0x030000\n");
        file(at, "0000:01:00.0/vendor", "0x10de\n");
        file(at, "0000:02:00.0/class", "0x020000\n");
        file(at, "0000:03:00.0/class", "0x038000\n");
        file(at, "0000:03:00.0/vendor", "0x1234\n");
        let found = cards(at, [at, at]);
        assert_eq!(found[0], Card { maker: "NVIDIA".to_owned(), driver: None, version: None });
        assert_eq!((found.len(), found[1].maker.as_str()), (2, "0x1234"));
    }

    #[test]
    fn a_drivers_version_is_its_modules_or_in_a_file_of_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let [modules, own] = ["module", "driver"].map(|name| folder.path().join(name));
        assert_eq!(version("nvidia", [&modules, &own]), None);
        let told = "NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.129.03  Thu Oct 19 18:56:32 UTC 2023\nGCC version:  gcc version 12.2.0\n";
        file(&own, "nvidia/version", told);
        assert_eq!(version("nvidia", [&modules, &own]).as_deref(), Some("535.129.03"));
        file(&modules, "nvidia/version", "550.54.14\n");
        assert_eq!(version("nvidia", [&modules, &own]).as_deref(), Some("550.54.14"));
        assert_eq!(version("amdgpu", [&modules, &own]), None, "the kernel's own");
    }

    #[test]
    fn only_screens_that_are_plugged_in_are_told() {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path();
        file(at, "card0-HDMI-A-1/status", "disconnected\n");
        file(at, "card0-eDP-1/status", "connected\n");
        file(at, "card0-eDP-1/modes", "1920x1080\n1280x720\n");
        file(at, "card0/dev", "226:0\n");
        assert_eq!(screens(at), ["eDP-1 1920x1080"]);
        assert!(screens(&at.join("none")).is_empty());
    }

    #[test]
    fn large_pages_are_off_only_where_the_system_says_so() {
        let folder = tempfile::tempdir().unwrap();
        for (text, on) in [("always [madvise] never\n", true), ("always madvise [never]\n", false)] {
            file(folder.path(), "enabled", text);
            assert_eq!(large_pages(&folder.path().join("enabled")), Some(on));
        }
        assert_eq!(large_pages(&folder.path().join("none")), None);
    }
}
