//! A bare worker, for the crate's own tests; programs re-run themselves instead. With `rpc-server PORT [ADDRESS]` it lends what
//! this computer has.

use std::net::{Ipv4Addr, SocketAddrV4};

fn main() {
    let mut arguments = std::env::args().skip(1);
    if arguments.next().as_deref() == Some("rpc-server") {
        let port = arguments.next().and_then(|port| port.parse().ok()).unwrap_or_default();
        let address = arguments.next().and_then(|address| address.parse().ok()).unwrap_or(Ipv4Addr::LOCALHOST);
        std::process::exit(i32::from(engine::serve_rpc(SocketAddrV4::new(address, port), Some(1)).is_err()));
    }
    std::process::exit(engine::worker_main());
}
