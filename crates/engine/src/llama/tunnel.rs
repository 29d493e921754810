//! Tunnels that begin on this computer, by their interfaces: what goes out by one is encrypted on the way, as `WireGuard` and other VPNs do it.

#[cfg(unix)]
use std::ffi::CStr;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
#[cfg(target_os = "linux")]
use std::path::Path;

/// Where Linux tells of its interfaces.
#[cfg(target_os = "linux")]
const INTERFACES: &str = "/sys/class/net";

/// How Linux numbers the kind of an interface that carries packets and nothing around them (`ARPHRD_NONE`).
#[cfg(target_os = "linux")]
const BARE: &str = "65534";

/// Whether what is sent to `to` goes out by a tunnel's interface.
pub(super) fn leads_to(to: SocketAddr) -> bool {
    // Nothing is sent: the system only chooses the way, and with it which address of this computer it begins at.
    let begins = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).and_then(|socket| {
        socket.connect(to)?;
        socket.local_addr()
    });
    matches!(begins.map(|begins| begins.ip()), Ok(IpAddr::V4(own)) if is_end(own))
}

/// Whether `own` is this computer's address at its end of a tunnel, and nowhere else.
pub(super) fn is_end(own: Ipv4Addr) -> bool {
    let names = interfaces_with(own);
    !names.is_empty() && names.iter().all(|name| is_tunnel(name))
}

/// Whether the interface of this name is a tunnel's.
#[cfg(target_os = "linux")]
fn is_tunnel(name: &str) -> bool {
    is_tunnel_in(Path::new(INTERFACES), name)
}

/// Whether it is one of macOS's `utun0`, `ipsec0` and the like. Other systems are not asked: there a tunnel has to begin at loopback.
#[cfg(not(target_os = "linux"))]
fn is_tunnel(name: &str) -> bool {
    cfg!(target_os = "macos") && ["utun", "ipsec"].iter().any(|kind| name.starts_with(kind))
}

/// By what stands in the folder `all`: a program makes its packets (tun, tap), or they are bare and no device carries them (`WireGuard`). A modem's
/// are bare, too.
#[cfg(target_os = "linux")]
fn is_tunnel_in(all: &Path, name: &str) -> bool {
    let interface = all.join(name);
    let is_bare = std::fs::read_to_string(interface.join("type")).is_ok_and(|kind| kind.trim() == BARE);
    interface.join("tun_flags").exists() || (is_bare && !interface.join("device").exists())
}

/// The names of the interfaces that have the address `own`.
#[cfg(unix)]
fn interfaces_with(own: Ipv4Addr) -> Vec<String> {
    let (mut first, mut names) = (std::ptr::null_mut(), Vec::new());
    // SAFETY: it puts the beginning of a list into `first` unless it fails, and whatever the list points to stays until it is freed.
    #[allow(unsafe_code)]
    unsafe {
        if libc::getifaddrs(&raw mut first) != 0 {
            return names;
        }
        let mut next: *const libc::ifaddrs = first;
        while let Some(entry) = next.as_ref() {
            let address = entry.ifa_addr.as_ref().filter(|address| i32::from(address.sa_family) == libc::AF_INET);
            // A port, then the address.
            if let Some([_, _, a, b, c, d, ..]) = address.map(|address| address.sa_data)
                && Ipv4Addr::from([a, b, c, d].map(|byte| byte as u8)) == own
            {
                // An address may have a label behind the name: `eth0:1`.
                let name = CStr::from_ptr(entry.ifa_name).to_string_lossy();
                names.push(name.split(':').next().unwrap_or_default().to_owned());
            }
            next = entry.ifa_next;
        }
        libc::freeifaddrs(first);
    }
    names
}

#[cfg(not(unix))]
fn interfaces_with(_own: Ipv4Addr) -> Vec<String> {
    Vec::new()
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_tunnel_is_told_from_a_cable_and_a_modem() {
        let all = tempfile::tempdir().unwrap();
        for (name, kind, beside, tunnel) in [
            ("eth0", "1", Some("device"), false),
            ("veth0", "1", None, false),
            ("lo", "772", None, false),
            ("wwan0", BARE, Some("device"), false),
            ("wg0", BARE, None, true),
            ("tun0", BARE, Some("tun_flags"), true),
            ("tap0", "1", Some("tun_flags"), true),
        ] {
            let interface = all.path().join(name);
            std::fs::create_dir(&interface).unwrap();
            std::fs::write(interface.join("type"), format!("{kind}\n")).unwrap();
            if let Some(file) = beside {
                std::fs::write(interface.join(file), "").unwrap();
            }
            assert_eq!(is_tunnel_in(all.path(), name), tunnel, "{name}");
        }
        assert!(!is_tunnel_in(all.path(), "gone"));
    }

    #[test]
    fn the_interface_of_an_address_is_found_and_loopback_is_no_tunnel() {
        assert_eq!(interfaces_with(Ipv4Addr::LOCALHOST), ["lo"]);
        assert!(interfaces_with(Ipv4Addr::new(192, 0, 2, 1)).is_empty(), "that is nobody's");
        assert!(!is_end(Ipv4Addr::LOCALHOST) && !is_end(Ipv4Addr::UNSPECIFIED));
        assert!(!leads_to(SocketAddr::from((Ipv4Addr::LOCALHOST, 1))));
    }
}
