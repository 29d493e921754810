//! Several other computers that compute along, each in a network of its own with a cable that can be pulled: Linux network namespaces.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)]

mod support;

use std::fs::File;
use std::io;
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use engine::{Answering, Engine, Launch};
use protocol::Code;
use protocol::ladder::EngineSettings;
use protocol::worker::{DeviceKind, Hardware};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use support::{answer, ask, fast, greedy, ladder, left_out, not_tested};

const WORKER: &str = env!("CARGO_BIN_EXE_engine-worker");
const PROMPT: &str = "Write a long story about a river and a waterfall.";
const TEST: &str = "several_computers_compute_along_through_tunnels_and_one_is_unplugged";

/// Set where the test runs in networks of its own.
const WITHIN: &str = "TAKI_TEST_WITHIN";

/// Where the other computers lend what they have, on their own loopback, and where their ends of the tunnels listen. Not where the system begins
/// connections: one that is tried again and again while nobody listens there would meet itself some time.
const LENT: u16 = 25052;
const TUNNEL: u16 = 22052;

/// This computer's address in a tunnel of its own, which nobody else is in.
const INSIDE: &str = "10.88.0.1";

/// Whether `command` does.
fn does(command: &str) -> bool {
    let words: Vec<&str> = command.split(' ').collect();
    Command::new(words[0]).args(&words[1..]).status().is_ok_and(|status| status.success())
}

/// How often it is looked whether somebody listens.
const GLANCE: Duration = Duration::from_millis(10);

/// Runs `command`, which must do.
fn run(command: &str) {
    assert!(does(command), "{command}");
}

/// This computer lends what it has at its address `own`.
fn lend(own: &str) -> Child {
    let mut command = Command::new(WORKER);
    command.args(["rpc-server", &LENT.to_string(), own]);
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the worker")
}

/// What there is to compute with beside the computer at `address`.
fn look(address: &str) -> Hardware {
    let engine = Engine::new(Launch::program(WORKER));
    engine.compute_with(Some(vec![address.to_owned()]));
    engine.hardware().unwrap()
}

/// Another computer with a cable to this one and a tunnel over it, as `ssh -L` makes one.
struct Far {
    name: String,
    lends: Child,
    /// This computer's end of the tunnel.
    address: String,
}

impl Far {
    fn new(number: u8) -> Self {
        let name = format!("far{number}");
        let (here, there) = (format!("10.77.{number}.1"), format!("10.77.{number}.2"));
        run(&format!("ip netns add {name}"));
        run(&format!("ip link add cable{number} type veth peer name eth0 netns {name}"));
        run(&format!("ip addr add {here}/24 dev cable{number}"));
        run(&format!("ip link set cable{number} up"));
        for part in
            [format!("addr add {there}/24 dev eth0"), "link set eth0 up".to_owned(), "link set lo up".to_owned()]
        {
            run(&format!("ip -n {name} {part}"));
        }
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &name, WORKER, "rpc-server", &LENT.to_string()]);
        let lends = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the worker");
        let (told, ready) = mpsc::channel();
        let place = name.clone();
        thread::spawn(move || {
            // What a thread makes in a network stays in it, its threads too.
            let network = File::open(format!("/run/netns/{place}")).expect("the network");
            move_into_link_name_space(network.as_fd(), Some(LinkNameSpaceType::Network)).expect("into it");
            let began = Instant::now();
            while TcpStream::connect(("127.0.0.1", LENT)).is_err() {
                assert!(began.elapsed() < Duration::from_secs(30), "it does not listen");
                thread::sleep(GLANCE);
            }
            let end = TcpListener::bind((there, TUNNEL)).expect("its end of the tunnel");
            told.send(()).expect("the test waits");
            forward(&end, &format!("127.0.0.1:{LENT}"));
        });
        ready.recv().expect("it listens");
        let near = TcpListener::bind("127.0.0.1:0").expect("this end of the tunnel");
        let address = near.local_addr().expect("its address").to_string();
        thread::spawn(move || forward(&near, &format!("10.77.{number}.2:{TUNNEL}")));
        Self { name, lends, address }
    }

    /// Pulls the cable, or puts it in again: nothing comes any more, and nobody says so.
    fn cable(&self, state: &str) {
        run(&format!("ip -n {} link set eth0 {state}", self.name));
    }
}

impl Drop for Far {
    fn drop(&mut self) {
        let _ = self.lends.kill();
        let _ = self.lends.wait();
    }
}

/// Carries what comes to `end` to the address `to` and back, for as long as the process lives.
fn forward(end: &TcpListener, to: &str) {
    for incoming in end.incoming().map_while(Result::ok) {
        let Ok(outgoing) = TcpStream::connect(to) else { continue };
        for (mut from, mut into) in [(&incoming, &outgoing), (&outgoing, &incoming)]
            .map(|(one, other)| (one.try_clone().expect("a socket"), other.try_clone().expect("a socket")))
        {
            thread::spawn(move || {
                let _ = io::copy(&mut from, &mut into);
                let _ = into.shutdown(Shutdown::Both);
            });
        }
    }
}

fn with(gpu_layers: u16) -> EngineSettings {
    EngineSettings { gpu_layers: Some(gpu_layers), context: Some(1024), ..fast() }
}

#[test]
fn several_computers_compute_along_through_tunnels_and_one_is_unplugged() {
    if std::env::var_os(WITHIN).is_some() {
        return within();
    }
    let apart = |program: &str, arguments: &[&str]| {
        let mut command = Command::new("unshare");
        command.args(["--user", "--map-root-user", "--net", "--mount", program]).args(arguments).env(WITHIN, "1");
        command
    };
    // Some systems let only administrators make networks.
    if !apart("ip", &["link", "set", "lo", "up"]).output().is_ok_and(|output| output.status.success()) {
        not_tested("several computers and a pulled cable: this system lets only administrators make networks");
        return;
    }
    let test = std::env::current_exe().expect("this program");
    let output = apart(&test.to_string_lossy(), &["--exact", TEST, "--nocapture"]).output().expect("it starts");
    let told = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && told.contains("1 passed"), "{told}");
}

fn within() {
    run("mount -t tmpfs tmpfs /run");
    run("mkdir /run/netns");
    run("ip link set lo up");
    let [first, second] = [1, 2].map(Far::new);
    assert!(TcpStream::connect(("10.77.1.2", LENT)).is_err(), "it listens to its own computer only");
    only_tunnels_lead_out(&format!("10.77.1.2:{TUNNEL}"));

    let engine = Engine::new(Launch::program(WORKER));
    engine.compute_with(Some(vec![first.address.clone(), second.address.clone()]));
    engine.bear_silence(Duration::from_secs(2));
    let target = ladder("smollm2");
    let loaded = engine.load(&target, with(99), &mut |_| {}).unwrap();
    let mut both = [first.address.clone(), second.address.clone()];
    both.sort_unstable();
    let mut used = loaded.placed[0].devices.clone();
    used.sort_unstable();
    assert_eq!((used.as_slice(), loaded.placed[0].layers), (both.as_slice(), 31), "each has a part");
    let together = answer(&engine, &ask(PROMPT, 24, &greedy(), true));
    assert_eq!(together.tokens.len(), 24);

    let (mut tokens, mut told) = (0, Vec::new());
    let receipt = engine
        .answer(&ask(PROMPT, 40, &greedy(), true), &mut |event| match event {
            Answering::Text { tokens: new, .. } => {
                if tokens == 0 {
                    first.cable("down");
                }
                tokens += new.len();
            }
            Answering::Resuming(problem) => told.push(problem.code),
            Answering::Reading { .. } => {}
        })
        .unwrap();
    assert_eq!((told, tokens, receipt.restarts), (vec![Code::DeviceLost], 40, 1));
    let loaded = engine.loaded().unwrap();
    assert_eq!(
        loaded.placed[0].devices,
        std::slice::from_ref(&second.address),
        "the answer went on with the other one"
    );
    assert_eq!(left_out(&loaded), [(&*first.address, Code::RemoteUnusable)]);

    // The next load takes the one that is left, too, and both once the cable is in again.
    let loaded = engine.load(&target, with(98), &mut |_| {}).unwrap();
    assert_eq!(left_out(&loaded), [(&*first.address, Code::RemoteUnusable)]);
    assert_eq!(loaded.placed[0].devices, std::slice::from_ref(&second.address));
    assert_eq!(answer(&engine, &ask(PROMPT, 4, &greedy(), true)).tokens.len(), 4);
    first.cable("up");
    // What was on the way when the cable was pulled ends there some time after.
    let began = Instant::now();
    let loaded = loop {
        let loaded = engine.load(&target, with(99), &mut |_| {}).unwrap();
        if loaded.left_out.is_empty() || began.elapsed() > Duration::from_secs(120) {
            break loaded;
        }
    };
    assert_eq!((loaded.placed[0].devices.len(), left_out(&loaded)), (2, Vec::new()));
    let again = answer(&engine, &ask(PROMPT, 24, &greedy(), true));
    assert_eq!(again.tokens, together.tokens);

    // Nobody answers any more when the next ladder is to be loaded.
    second.cable("down");
    let began = Instant::now();
    let loaded = engine.load(&target, with(98), &mut |_| {}).unwrap();
    assert!(began.elapsed() < Duration::from_secs(60), "it was not waited for: {:?}", began.elapsed());
    assert_eq!(left_out(&loaded), [(&*second.address, Code::RemoteUnusable)]);
    assert_eq!(loaded.placed[0].devices, std::slice::from_ref(&first.address));
    assert_eq!(answer(&engine, &ask(PROMPT, 4, &greedy(), true)).tokens.len(), 4);
    a_tunnel_is_an_interface_too();
}

/// At `bare` another computer answers, and only a cable leads there.
fn only_tunnels_lead_out(bare: &str) {
    let seen = look(bare);
    assert!(seen.devices.iter().all(|device| device.kind != DeviceKind::Remote), "{seen:?}");
    let [left] = seen.left_out.as_slice() else { panic!("{seen:?}") };
    assert_eq!((left.rung.as_str(), left.problem.code), (bare, Code::RemoteUnusable));
    assert!(left.problem.details["reason"].contains("no tunnel leads there"), "{left:?}");

    // Nor is anything lent over the cable, or everywhere.
    for open in ["10.77.1.1", "0.0.0.0"] {
        let (mut lends, began) = (lend(open), Instant::now());
        let ended = loop {
            match lends.try_wait().unwrap() {
                None if began.elapsed() < Duration::from_secs(30) => thread::sleep(Duration::from_millis(10)),
                ended => break ended,
            }
        };
        lends.kill().unwrap();
        assert_eq!(ended.and_then(|ended| ended.code()), Some(1), "{open} was listened on");
    }
}

/// What is lent at this computer's address in a tunnel is borrowed there.
fn a_tunnel_is_an_interface_too() {
    let (address, made) = (format!("ip addr add {INSIDE}/24 dev tun7"), "ip tuntap add dev tun7 mode tun");
    // Until then `/sys` tells of the interfaces outside.
    if !["mount -t sysfs sysfs /sys", made, &address, "ip link set tun7 up"].into_iter().all(does) {
        not_tested("other computers behind a tunnel that is an interface: this system does not let us make one");
        return;
    }
    let (mut lends, began) = (lend(INSIDE), Instant::now());
    while TcpStream::connect((INSIDE, LENT)).is_err() {
        assert!(began.elapsed() < Duration::from_secs(30), "it does not listen");
        thread::sleep(GLANCE);
    }
    let place = format!("{INSIDE}:{LENT}");
    let seen = look(&place);
    lends.kill().unwrap();
    lends.wait().unwrap();
    assert!(
        seen.devices.iter().any(|device| device.kind == DeviceKind::Remote && device.description == place),
        "{seen:?}"
    );
    assert!(seen.left_out.is_empty(), "{seen:?}");
}
