//! Layers on a second device: llama.cpp's own RPC on this computer, which is one for all that matters here.

mod support;

use std::fs;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use engine::{Answering, Ask, Engine, Launch};
use protocol::Code;
use protocol::ladder::EngineSettings;
use protocol::worker::{DeviceKind, DeviceShare, Loaded};
use support::{answer, ask, fast, greedy, ladder, left_out, smollm2_with_draft};

const WORKER: &str = env!("CARGO_BIN_EXE_engine-worker");
const PROMPT: &str = "Write a long story about a river and a waterfall.";

/// Another computer, as far as the engine can tell.
struct Other {
    child: Child,
    address: String,
}

impl Other {
    fn new() -> Self {
        let port = TcpListener::bind("127.0.0.1:0").expect("a free port").local_addr().expect("its address").port();
        let mut command = Command::new(WORKER);
        let command = command.args(["rpc-server", &port.to_string()]).stdout(Stdio::null()).stderr(Stdio::null());
        let (child, address) = (command.spawn().expect("the worker"), format!("127.0.0.1:{port}"));
        let began = Instant::now();
        while TcpStream::connect(&address).is_err() {
            assert!(began.elapsed() < Duration::from_secs(30), "it does not listen");
            // Connections are begun at ports of that kind: one that is tried without a pause meets itself some time.
            thread::sleep(Duration::from_millis(10));
        }
        Self { child, address }
    }

    fn engine(&self) -> Engine {
        let engine = Engine::new(Launch::program(WORKER));
        engine.compute_with(Some(vec![self.address.clone()]));
        engine
    }

    /// From now on there is room for so many bytes more there, whatever it says.
    #[cfg(target_os = "linux")]
    fn limit(&self, more: u64) {
        use rustix::process::{Pid, Resource, Rlimit, prlimit};
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("it runs");
        let size = |line: &str| line.strip_prefix("VmSize:")?.trim().strip_suffix("kB")?.trim_end().parse::<u64>().ok();
        let most = Some((status.lines().find_map(size).expect("its size") << 10) + more);
        let limit = Rlimit { current: most, maximum: most };
        prlimit(Some(Pid::from_child(&self.child)), Resource::As, limit).expect("it is ours");
    }

    fn lose(&mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it ended");
    }
}

impl Drop for Other {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn with(gpu_layers: Option<u16>) -> EngineSettings {
    EngineSettings { gpu_layers, context: Some(1024), ..fast() }
}

fn layers(loaded: &Loaded) -> Vec<(u32, u32)> {
    loaded.placed.iter().map(|placed| (placed.layers, placed.of)).collect()
}

#[test]
fn a_ladder_answers_from_a_second_device_wholly_and_in_part() {
    let folder = tempfile::tempdir().unwrap();
    let ladder = smollm2_with_draft(folder.path());
    let other = Other::new();
    let engine = other.engine();
    let hardware = engine.hardware().unwrap();
    assert_eq!(hardware.devices.len(), 1, "{hardware:?}");
    assert_eq!(
        (hardware.devices[0].kind, hardware.devices[0].description.as_str()),
        (DeviceKind::Remote, &*other.address)
    );
    assert!(hardware.left_out.is_empty() && !hardware.processor.is_empty());

    let foreseen = |layers| engine.begin().unwrap().foresee(&ladder, with(layers)).unwrap().pop();
    let (before, part) = (foreseen(Some(99)).unwrap(), foreseen(Some(7)).unwrap());
    let weights = std::fs::metadata(&ladder.rungs[0].path).unwrap().len();
    assert_eq!(before.device.description, other.address);
    assert!(before.bytes > weights && part.bytes < before.bytes && part.bytes > 0, "{before:?} {part:?}");
    let rungs = |share: &DeviceShare| share.rungs.iter().map(|of| (of.layers, of.of)).collect::<Vec<_>>();
    assert_eq!((rungs(&before), rungs(&part)[0]), (vec![(31, 31), (31, 31)], (7, 31)));
    assert_eq!(before.rungs[1].rung, ladder.rungs[1].name);
    assert_eq!(foreseen(Some(0)), None, "no device is asked where none is wanted");

    let loaded = engine.load(&ladder, with(Some(99)), &mut |_| {}).unwrap();
    assert_eq!(layers(&loaded), [(31, 31), (31, 31)], "everything: there is room");
    let after = foreseen(Some(99)).unwrap();
    assert_eq!(after.bytes, before.bytes, "what it holds now is given back first");
    assert_eq!(loaded.placed[0].devices, std::slice::from_ref(&other.address));
    let whole = answer(&engine, &ask(PROMPT, 24, &greedy(), true));
    assert_eq!(whole.tokens.len(), 24);
    let target = support::ladder("smollm2");
    let loaded = engine.load(&target, with(Some(99)), &mut |_| {}).unwrap();
    assert_eq!(
        (layers(&loaded), loaded.read_bytes as u64),
        (vec![(31, 31)], 0),
        "what both ladders have there stays there"
    );
    let again = answer(&engine, &ask(PROMPT, 24, &greedy(), false));
    assert!(again.receipt.reused_tokens + 1 >= whole.receipt.prompt_tokens, "{:?}", again.receipt);

    let loaded = engine.load(&ladder, with(Some(7)), &mut |_| {}).unwrap();
    assert_eq!(layers(&loaded)[0], (7, 31));
    assert_eq!(answer(&engine, &ask(PROMPT, 24, &greedy(), true)).tokens.len(), 24);

    let loaded = engine.load(&ladder, with(Some(0)), &mut |_| {}).unwrap();
    assert_eq!(layers(&loaded), [(0, 31), (0, 31)]);
    let alone = answer(&engine, &ask(PROMPT, 24, &greedy(), true));
    // The same weights and sums, in another order where weights are laid out for one processor: the beginning is far from any tie.
    assert_eq!(alone.tokens[..4], whole.tokens[..4], "{} / {}", alone.text, whole.text);
}

#[test]
fn a_draft_of_the_processor_goes_ahead_while_the_target_looks_on_its_device() {
    let folder = tempfile::tempdir().unwrap();
    let ladder = smollm2_with_draft(folder.path());
    let mut other = Other::new();
    let engine = other.engine();
    let apart = EngineSettings { drafts_on_processor: true, ..with(Some(99)) };
    let together = engine.load(&ladder, with(Some(99)), &mut |_| {}).unwrap();
    assert!(!together.drafts_ahead, "one device computes one thing at a time");
    let loaded = engine.load(&ladder, apart, &mut |_| {}).unwrap();
    assert_eq!((layers(&loaded), loaded.drafts_ahead), (vec![(31, 31), (0, 31)], true));
    let fixed = Ask { k: Some(vec![vec![3, 0], vec![0, 0]]), ..ask(PROMPT, 40, &greedy(), true) };
    let (alone, cascade) = (answer(&engine, &ask(PROMPT, 40, &greedy(), false)), answer(&engine, &fixed));
    assert_eq!((alone.receipt.ahead, cascade.tokens.len()), (0, 40));
    // A pass there takes far longer than one of the draft here.
    let receipt = &cascade.receipt;
    assert!(receipt.ahead > 0 && receipt.ahead <= receipt.rungs[1].proposed, "{receipt:?}");
    assert!(receipt.target_passes < alone.receipt.target_passes && receipt.left_out.is_empty(), "{receipt:?}");
    assert_eq!(cascade.tokens[..4], alone.tokens[..4], "{} / {}", cascade.text, alone.text);

    let (mut tokens, mut told) = (0, Vec::new());
    let receipt = engine
        .answer(&fixed, &mut |event| match event {
            Answering::Text { tokens: new, .. } => {
                if tokens == 0 {
                    other.lose();
                }
                tokens += new.len();
            }
            Answering::Resuming(problem) => told.push(problem.code),
            Answering::Reading { .. } => {}
        })
        .unwrap();
    assert_eq!((told, tokens, receipt.restarts), (vec![Code::DeviceLost], 40, 1));
    assert!(!engine.loaded().unwrap().drafts_ahead, "both are the processor's now");
}

#[test]
fn a_device_that_is_lost_in_the_middle_of_an_answer_leaves_the_rest_to_the_processor() {
    let mut other = Other::new();
    let engine = other.engine();
    let loaded = engine.load(&ladder("smollm2"), with(Some(99)), &mut |_| {}).unwrap();
    assert_eq!(layers(&loaded), [(31, 31)]);
    let (mut tokens, mut told) = (Vec::new(), Vec::new());
    let receipt = engine
        .answer(&ask(PROMPT, 40, &greedy(), true), &mut |event| match event {
            Answering::Text { tokens: new, .. } => {
                if tokens.is_empty() {
                    other.lose();
                }
                tokens.extend(new);
            }
            Answering::Resuming(problem) => told.push((problem.code, problem.details["device"].clone())),
            Answering::Reading { .. } => {}
        })
        .unwrap();
    assert_eq!(told, [(Code::DeviceLost, other.address.clone())]);
    assert_eq!((tokens.len(), receipt.tokens, receipt.restarts), (40, 40, 1));
    let loaded = engine.loaded().unwrap();
    assert_eq!(layers(&loaded), [(0, 31)], "the processor has it all");
    assert_eq!(left_out(&loaded), [(other.address.as_str(), Code::RemoteUnusable)], "and why is still told");
    assert_eq!(answer(&engine, &ask("Hello", 4, &greedy(), true)).tokens.len(), 4, "and goes on with it");
}

#[cfg(unix)]
#[test]
fn a_computer_that_falls_silent_in_the_middle_of_an_answer_is_not_waited_for() {
    let other = Other::new();
    let engine = other.engine();
    engine.bear_silence(Duration::from_secs(2));
    let loaded = engine.load(&ladder("smollm2"), with(Some(99)), &mut |_| {}).unwrap();
    assert!(loaded.placed[0].remote);
    let (mut tokens, mut told) = (0, Vec::new());
    let receipt = engine
        .answer(&ask(PROMPT, 40, &greedy(), true), &mut |event| match event {
            Answering::Text { tokens: new, .. } => {
                if tokens == 0 {
                    // As when a cable is pulled: nothing comes any more, and nothing says so.
                    let stopped = Command::new("kill").args(["-STOP", &other.child.id().to_string()]).status();
                    assert!(stopped.unwrap().success());
                }
                tokens += new.len();
            }
            Answering::Resuming(problem) => told.push((problem.code, problem.details["device"].clone())),
            Answering::Reading { .. } => {}
        })
        .unwrap();
    assert_eq!(told, [(Code::DeviceLost, other.address.clone())]);
    assert_eq!((tokens, receipt.tokens), (40, 40));
}

#[cfg(unix)]
#[test]
fn a_computer_that_falls_silent_between_answers_holds_nothing_up() {
    let other = Other::new();
    let engine = other.engine();
    // A load may be silent ten times as long, and measures in the meantime.
    engine.bear_silence(Duration::from_secs(4));
    let target = ladder("smollm2");
    let loaded = engine.load(&target, with(Some(99)), &mut |_| {}).unwrap();
    assert!(loaded.placed[0].remote);
    let stopped = Command::new("kill").args(["-STOP", &other.child.id().to_string()]).status();
    assert!(stopped.unwrap().success());
    // What the window asks when somebody looks at the ladders.
    let foreseen = engine.begin().unwrap().foresee(&target, with(Some(99)));
    assert_eq!(foreseen.unwrap_err().code, Code::WorkerGaveUp, "it was not waited for");
    let mut told = Vec::new();
    let receipt = engine.answer(&ask("Hello", 8, &greedy(), true), &mut |event| {
        if let Answering::Resuming(problem) = event {
            told.push(problem.code);
        }
    });
    assert_eq!((receipt.unwrap().tokens, told), (8, Vec::new()), "the next worker finds out before it reads anything");
    assert_eq!(left_out(&engine.loaded().unwrap()), [(other.address.as_str(), Code::RemoteUnusable)]);
}

#[cfg(unix)]
#[test]
fn a_device_that_crashes_the_worker_twice_is_done_without() {
    let other = Other::new();
    let engine = other.engine();
    engine.load(&ladder("smollm2"), with(Some(99)), &mut |_| {}).unwrap();
    let (mut tokens, mut told) = (0, Vec::new());
    let crash = || {
        let pid = engine.worker_pid().unwrap().to_string();
        assert!(Command::new("kill").args(["-ILL", &pid]).status().unwrap().success());
    };
    let receipt = engine
        .answer(&ask(PROMPT, 40, &greedy(), true), &mut |event| match event {
            Answering::Text { tokens: new, .. } => {
                if tokens == 0 {
                    crash();
                }
                tokens += new.len();
            }
            // As long as nothing new came in between; then once more.
            Answering::Reading { .. } if told.last() == Some(&Code::WorkerRestarted) => crash(),
            Answering::Reading { .. } => {}
            Answering::Resuming(problem) => told.push(problem.code),
        })
        .unwrap();
    assert_eq!((tokens, receipt.tokens), (40, 40));
    assert_eq!((told.first(), told.last()), (Some(&Code::WorkerRestarted), Some(&Code::DeviceLost)), "{told:?}");
}

#[test]
fn a_computer_that_cannot_be_reached_is_told_and_done_without() {
    let mut other = Other::new();
    other.lose();
    let engine = other.engine();
    assert_eq!(engine.begin().unwrap().device_memory(), 0);
    let loaded = engine.load(&ladder("smollm2"), with(Some(99)), &mut |_| {}).unwrap();
    assert_eq!(layers(&loaded), [(0, 31)]);
    assert_eq!(left_out(&loaded), [(other.address.as_str(), Code::RemoteUnusable)]);
}

#[cfg(target_os = "linux")]
#[test]
fn what_a_device_has_no_room_for_after_all_goes_to_the_processor() {
    let folder = tempfile::tempdir().unwrap();
    let ladder = smollm2_with_draft(folder.path());
    let other = Other::new();
    other.limit(32 << 20);
    let engine = other.engine();
    let fixed = Ask { k: Some(vec![vec![3, 0], vec![0, 0]]), ..ask(PROMPT, 16, &greedy(), true) };
    // All of both models, and the draft alone.
    for (wanted, rungs) in [(99, vec![(31, 31), (31, 31)]), (1, vec![(31, 31)])] {
        let foreseen = engine.begin().unwrap().foresee(&ladder, with(Some(wanted))).unwrap().pop().unwrap();
        let told: Vec<_> = foreseen.rungs.iter().map(|of| (of.layers, of.of)).collect();
        assert_eq!(told, rungs, "it says that it has room");
        assert_eq!(foreseen.rungs.last().unwrap().rung, ladder.rungs[1].name);
        let loaded = engine.load(&ladder, with(Some(wanted)), &mut |_| {}).unwrap();
        assert_eq!((layers(&loaded), left_out(&loaded)), (vec![(0, 31), (0, 31)], Vec::new()));
        assert!(!loaded.drafts_ahead && loaded.rungs.contains(&ladder.rungs[1].name), "{:?}", loaded.rungs);
        let answered = answer(&engine, &fixed);
        assert_eq!(answered.tokens.len(), 16);
        assert!(answered.receipt.rungs[1].proposed > 0, "{:?}", answered.receipt);
    }
}

#[test]
fn a_computer_that_was_named_twice_is_one_and_called_as_it_was_named() {
    let other = Other::new();
    let engine = Engine::new(Launch::program(WORKER));
    let by_name = other.address.replace("127.0.0.1", "localhost");
    engine.compute_with(Some(vec![by_name.clone(), other.address.clone()]));
    let hardware = engine.hardware().unwrap();
    let devices: Vec<_> = hardware.devices.iter().map(|device| (device.kind, device.description.as_str())).collect();
    assert_eq!(devices, [(DeviceKind::Remote, other.address.as_str())]);
    assert_eq!(hardware.left_out, []);

    engine.compute_with(Some(vec![by_name.clone()]));
    let loaded = engine.load(&ladder("smollm2"), with(Some(99)), &mut |_| {}).unwrap();
    assert_eq!((layers(&loaded), loaded.placed[0].devices.as_slice()), (vec![(31, 31)], [by_name].as_slice()));
}

/// The near end of a way to `address` on which everything takes a fifth of a second longer.
fn long_way_to(address: String) -> String {
    let near = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let end = near.local_addr().expect("its address").to_string();
    thread::spawn(move || {
        for incoming in near.incoming().map_while(Result::ok) {
            let Ok(outgoing) = TcpStream::connect(&address) else { continue };
            for (mut from, mut into) in [(&incoming, &outgoing), (&outgoing, &incoming)]
                .map(|(one, other)| (one.try_clone().expect("a socket"), other.try_clone().expect("a socket")))
            {
                thread::spawn(move || {
                    let mut some = vec![0; 1 << 20];
                    while let Ok(bytes @ 1..) = from.read(&mut some) {
                        thread::sleep(Duration::from_millis(200));
                        if into.write_all(&some[..bytes]).is_err() {
                            break;
                        }
                    }
                    let _ = into.shutdown(Shutdown::Both);
                });
            }
        }
    });
    end
}

#[test]
fn a_computer_that_would_only_slow_this_one_down_is_done_without_and_exact_mode_asks_none() {
    let other = Other::new();
    let engine = Engine::new(Launch::program(WORKER));
    let address = long_way_to(other.address.clone());
    engine.compute_with(Some(vec![address.clone()]));
    let loaded = engine.load(&ladder("smollm2"), with(None), &mut |_| {}).unwrap();
    assert_eq!(layers(&loaded), [(0, 31)]);
    assert_eq!(left_out(&loaded), [(address.as_str(), Code::RemoteSlower)]);
    assert_eq!(
        loaded.read_bytes as u64,
        fs::metadata(&ladder("smollm2").rungs[0].path).unwrap().len(),
        "nothing went there"
    );
    let exact = EngineSettings { exact: true, ..with(None) };
    let loaded = engine.load(&ladder("smollm2"), exact, &mut |_| {}).unwrap();
    assert_eq!((layers(&loaded), left_out(&loaded)), (vec![(0, 31)], Vec::new()));
}
