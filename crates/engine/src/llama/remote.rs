//! Other computers as devices, through llama.cpp's own RPC: what is lent is listened for on this computer only or at its end of a tunnel, and
//! what is borrowed is reached in the same way. Nothing on the way is encrypted: that is a tunnel's work.

use std::ffi::{CString, c_char, c_void};
use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV4, TcpStream, ToSocketAddrs};
use std::ptr::NonNull;
use std::time::Duration;

use llama_cpp_sys_2::{ggml_backend_dev_t, ggml_backend_reg_t};
use protocol::{Code, Problem};

use super::devices::{RPC, numbered};
use super::tunnel;

/// How long the way there may take, and an answer to a greeting.
const PATIENCE: Duration = Duration::from_secs(2);

/// The protocol of the library that is built in (`RPC_PROTO_MAJOR_VERSION`, `RPC_PROTO_MINOR_VERSION` of ggml-rpc.h), which ends the process
/// where another one is spoken.
const PROTOCOL: [u8; 2] = [7, 0];

/// What an address that cannot be read should be.
const KIND: &str = "an address is of the kind 127.0.0.1:50052, several with commas between them";

/// Why an address is not gone to that is not near.
const NO_TUNNEL: &str = "no tunnel leads there: open one to it, and name its near end or the address within it";

/// Why nothing is lent at an address that [`may_serve`] does not allow.
const OPEN: &str = "it is no address of a tunnel on this computer, and nothing that is said there would be encrypted";

/// Its first command, and how many bytes of abilities come with it and come back.
const HELLO: u8 = 14;
const ABILITIES: usize = 24;

/// `ggml_backend_rpc_add_server` and `ggml_backend_rpc_start_server` of ggml-rpc.h, which the bindings do not have.
type AddServer = unsafe extern "C" fn(endpoint: *const c_char) -> ggml_backend_reg_t;
type StartServer = unsafe extern "C" fn(
    endpoint: *const c_char,
    cache: *const c_char,
    threads: usize,
    count: usize,
    devices: *mut ggml_backend_dev_t,
);

fn unusable(address: impl std::fmt::Display, reason: &dyn std::fmt::Display) -> Problem {
    Problem::new(Code::RemoteUnusable).with("address", address).with("reason", reason)
}

/// Where the computer at `address`, as in `127.0.0.1:50052`, is to be reached, if it is there at all.
///
/// # Errors
/// [`Code::RemoteUnusable`].
pub(crate) fn find(address: &str) -> Result<SocketAddr, Problem> {
    // The library takes the first colon for the one before the port.
    let mut found = address.to_socket_addrs().map_err(|_| unusable(address, &KIND))?.filter(SocketAddr::is_ipv4);
    let reached = found.next().ok_or_else(|| unusable(address, &KIND))?;
    if !is_near(&reached) {
        return Err(unusable(address, &NO_TUNNEL));
    }
    Ok(reached)
}

/// Whether the computer at `address`, which was [found](find) there, answers. The library ends the process where nobody listens or something
/// else answers, and waits for ever for one that serves somebody else.
///
/// # Errors
/// [`Code::RemoteUnusable`].
pub(crate) fn reach(address: &str, found: SocketAddr) -> Result<(), Problem> {
    greet(found).map_err(|error| unusable(address, &error))
}

/// Makes the devices of the computer at `address`, which was [`reach`]ed there, devices of this one. Once for each place: there is no way back.
///
/// # Errors
/// [`Code::RemoteUnusable`].
pub(crate) fn add(address: &str, reached: SocketAddr) -> Result<(), Problem> {
    let unusable = |reason: &dyn std::fmt::Display| unusable(address, reason);
    let endpoint = CString::new(reached.to_string()).map_err(|error| unusable(&error))?;
    let missing = || unusable(&"this program was built without a way to other computers");
    let found = function(c"ggml_backend_rpc_add_server").ok_or_else(missing)?;
    // SAFETY: the function is the one of that name, whose type is that; the address ends with a zero and lives as long as the call.
    // What it gives stays for as long as the process.
    #[allow(unsafe_code)]
    let added = unsafe { std::mem::transmute::<*mut c_void, AddServer>(found)(endpoint.as_ptr()) };
    if added.is_null() {
        return Err(unusable(&"it has nothing to compute with"));
    }
    // SAFETY: it is not null and was never registered: places are added once.
    #[allow(unsafe_code)]
    unsafe {
        llama_cpp_sys_2::ggml_backend_register(added);
    }
    Ok(())
}

/// Whether what this computer has may be lent at its address `own`.
pub(crate) fn may_serve(own: Ipv4Addr) -> bool {
    own.is_loopback() || tunnel::is_end(own)
}

/// Lends what this computer has to whoever connects `at` an address of it that [`may_serve`] allows, one at a time, until the process ends.
///
/// # Errors
/// [`Code::RemoteUnusable`]: it cannot listen there, or not any more; the library only prints why.
pub(crate) fn serve(at: SocketAddrV4, threads: usize) -> Result<(), Problem> {
    let unusable = |reason: &dyn std::fmt::Display| unusable(at, reason);
    if !may_serve(*at.ip()) {
        return Err(unusable(&OPEN));
    }
    let missing = || unusable(&"this program was built without a way to other computers");
    let found = function(c"ggml_backend_rpc_start_server").ok_or_else(missing)?;
    let endpoint = CString::new(at.to_string()).map_err(|error| unusable(&error))?;
    let own = super::devices().into_iter().map(|(index, _)| index);
    let mut devices: Vec<ggml_backend_dev_t> = own.filter_map(numbered).map(NonNull::as_ptr).collect();
    if devices.is_empty() {
        // SAFETY: it gives null or a device that stays for as long as the process.
        #[allow(unsafe_code)]
        let processor =
            unsafe { llama_cpp_sys_2::ggml_backend_dev_by_type(llama_cpp_sys_2::GGML_BACKEND_DEVICE_TYPE_CPU) };
        if processor.is_null() {
            return Err(unusable(&"there is nothing to compute with"));
        }
        devices.push(processor);
    }
    // SAFETY: the function is the one of that name, whose type is that; address and devices live as long as the call.
    #[allow(unsafe_code)]
    unsafe {
        let start = std::mem::transmute::<*mut c_void, StartServer>(found);
        start(endpoint.as_ptr(), std::ptr::null(), threads, devices.len(), devices.as_mut_ptr());
    }
    // It ends only if it cannot go on.
    Err(unusable(&"it stopped listening"))
}

/// Says the protocol's first words and waits for the answer.
fn greet(reached: SocketAddr) -> std::io::Result<()> {
    let mut stream = TcpStream::connect_timeout(&reached, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut hello = vec![HELLO];
    hello.extend((ABILITIES as u64).to_le_bytes());
    hello.extend([0; ABILITIES]);
    stream.write_all(&hello)?;
    // Its length, then version and abilities.
    let mut answer = [0; 8 + 4 + ABILITIES];
    stream.read_exact(&mut answer).map_err(|_| std::io::Error::other("it does not answer, or serves another Taki"))?;
    let [major, minor] = [answer[8], answer[9]];
    if major != PROTOCOL[0] || minor > PROTOCOL[1] {
        return Err(std::io::Error::other("another version of Taki runs there"));
    }
    Ok(())
}

/// A function of what connects to other computers; None if that was not built.
#[allow(unsafe_code)]
fn function(name: &std::ffi::CStr) -> Option<*mut c_void> {
    // SAFETY: names end with a zero; a registry that is not there is null, and not asked.
    let found = unsafe {
        let registry = llama_cpp_sys_2::ggml_backend_reg_by_name(RPC.as_ptr());
        if registry.is_null() {
            return None;
        }
        llama_cpp_sys_2::ggml_backend_reg_get_proc_address(registry, name.as_ptr())
    };
    (!found.is_null()).then_some(found)
}

/// Whether nobody listens on the way to an address, where nothing is encrypted: it is this computer's loopback, at which tunnels begin, or is reached
/// through one.
fn is_near(address: &SocketAddr) -> bool {
    let IpAddr::V4(ip) = address.ip() else { return false };
    // Where a tunnel takes everything, what goes to a public address leaves it at its other end.
    ip.is_loopback() || (is_private(ip) && tunnel::leads_to(*address))
}

/// Whether an address is of a network of one's own.
fn is_private(ip: Ipv4Addr) -> bool {
    // 100.64.0.0/10: where providers and virtual private networks have their own addresses.
    let [first, second, ..] = ip.octets();
    ip.is_private() || ip.is_link_local() || (first == 100 && second & 0xc0 == 0x40)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_near_addresses_are_reached() {
        // What else is near depends on this computer's tunnels (`tests/networks.rs`).
        for (address, near) in [
            ("127.0.0.1:50052", true),
            ("127.8.8.8:1", true),
            ("100.128.1.2:1", false),
            ("8.8.8.8:50052", false),
            ("172.32.0.1:1", false),
            ("[::1]:1", false),
        ] {
            assert_eq!(is_near(&address.parse().unwrap()), near, "{address}");
        }
        for (address, private) in [
            ("10.8.0.2", true),
            ("192.168.1.7", true),
            ("169.254.1.1", true),
            ("100.100.1.2", true),
            ("100.128.1.2", false),
            ("172.32.0.1", false),
        ] {
            assert_eq!(is_private(address.parse().unwrap()), private, "{address}");
        }
    }

    #[test]
    fn nothing_is_lent_where_it_would_not_be_encrypted() {
        assert!(may_serve(Ipv4Addr::LOCALHOST));
        // Everywhere, and an address that is kept for examples.
        for open in [Ipv4Addr::UNSPECIFIED, Ipv4Addr::new(192, 0, 2, 1)] {
            assert!(!may_serve(open));
            let problem = serve(SocketAddrV4::new(open, 50052), 1).unwrap_err();
            assert_eq!((problem.code, problem.details["reason"].as_str()), (Code::RemoteUnusable, OPEN));
        }
    }

    #[test]
    fn what_cannot_be_reached_is_told_and_ends_nothing() {
        let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
        // One that hangs up, one that says something else, and one that serves somebody else.
        let rude = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let other = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let busy = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let [rude_at, other_at, busy_at] =
            [&rude, &other, &busy].map(|listener| listener.local_addr().unwrap().to_string());
        std::thread::spawn(move || drop(rude.accept()));
        std::thread::spawn(move || {
            let mut stream = other.accept().unwrap().0;
            stream.write_all(&[9; 64]).unwrap();
        });
        for address in
            ["no address", "127.0.0.1", "8.8.8.8:50052", "[::1]:50052", &closed, &rude_at, &other_at, &busy_at]
        {
            let problem = find(address).and_then(|found| reach(address, found)).unwrap_err();
            assert_eq!((problem.code, problem.details["address"].as_str()), (Code::RemoteUnusable, address));
        }
    }
}
