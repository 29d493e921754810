//! What devices besides the processor have free, in what fits, and what is measured of them.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::run::{Taki, finish, not_tested};

/// What this computer lends, as another one would.
struct Lent {
    child: Child,
    address: String,
}

impl Lent {
    fn by(taki: &Taki) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut command = taki.command(["rpc-server", "--port", &port.to_string()]);
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let (address, began) = (format!("127.0.0.1:{port}"), Instant::now());
        while TcpStream::connect(&address).is_err() {
            assert!(began.elapsed() < Duration::from_secs(30), "it does not listen");
            thread::sleep(Duration::from_millis(20));
        }
        Self { child, address }
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn memory_of_devices_counts_in_what_fits_unless_they_are_left_alone() {
    let Some(memory) = engine::memory_of_this_computer() else {
        return not_tested("what fits on devices: this system does not say how much memory it has");
    };
    let taki = Taki::bare();
    let suggested = || taki.run(&["ladders", "suggest"]).out.contains("graphics cards counted");
    // A computer may have cards of its own.
    let own = suggested();
    let lent = Lent::by(&taki);
    let at = |name: &str| taki.home.path().join(name);
    fs::create_dir(at("config")).unwrap();
    fs::write(at("config/settings.toml"), format!("workers = [\"{}\"]\n", lent.address)).unwrap();
    // Of a model that is nowhere here, which takes a little more than nine tenths of this computer's memory.
    let recipe = at("large.toml");
    let file = recipe.to_str().unwrap();
    taki.run(&["ladders", "export", "smollm2", file, "--json"]).good();
    let text = fs::read_to_string(file).unwrap().replace("name = \"SmolLM2\"", "name = \"Large\"");
    let line = |key: &str| text.lines().find(|line| line.starts_with(key)).unwrap().to_owned();
    let (hash, bytes) = (format!("sha256 = \"{}\"", "a".repeat(64)), format!("bytes = {}", memory / 10 * 8));
    fs::write(file, text.replace(&line("sha256 = "), &hash).replace(&line("bytes = "), &bytes)).unwrap();
    let large = taki.run(&["ladders", "import", file, "--json"]).good()["ladder"].clone();
    let rules = at("policy.toml");
    let fits = |laid_down: &str| {
        fs::write(&rules, laid_down).unwrap();
        let mut command = taki.command(["ladders", "list", "--json"]);
        command.env("TAKI_POLICY", &rules);
        let listed = finish(command, b"").good();
        listed["ladders"].as_array().unwrap().iter().find(|row| row["id"] == large).unwrap()["fits"].clone()
    };
    assert_ne!(fits(""), json!("not"));
    assert_eq!(fits("[settings]\ngpuLayers = 0\n"), json!("not"), "the administrator leaves devices alone");
    assert_eq!(fits("[settings]\nexact = true\n"), json!("not"), "exact mode computes with the processor alone");
    assert!(suggested());
    drop(lent);
    assert_eq!(suggested(), own, "one that cannot be reached has nothing free");
}

#[test]
fn nothing_is_lent_at_an_address_that_no_tunnel_ends_at() {
    let taki = Taki::bare();
    // One that is kept for examples.
    let refused = taki.run(&["rpc-server", "--listen", "192.0.2.1"]);
    assert_eq!(refused.code, Some(1));
    assert!(refused.err.contains("no address of a tunnel on this computer"), "{refused:?}");
    let refused = taki.run(&["rpc-server", "--listen", "here"]);
    assert!(refused.err.contains("an address as in 10.8.0.2"), "{refused:?}");
}

#[test]
fn a_bench_measures_the_ways_that_only_a_device_has() {
    let taki = Taki::with_models();
    let lent = Lent::by(&taki);
    let all = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/data/copying.jsonl");
    let suite = taki.home.path().join("one.jsonl");
    fs::write(&suite, fs::read_to_string(all).unwrap().lines().next().unwrap()).unwrap();
    let suite = suite.to_str().unwrap();
    let args = ["bench", "--json", "--ladder", "smollm2", "--suite", suite, "--max-tokens", "4", "--repeats", "1"];
    let ways = ["adaptive", "adaptive-line", "adaptive-waiting", "adaptive-line-waiting"];
    let configs = ways.join(",");
    let mut command = taki.command([&args[..], &["--gpu-layers", "99", "--configs", &configs]].concat());
    command.env("TAKI_WORKERS", &lent.address);
    let ran = finish(command, b"");
    let measured = ran.good();
    assert!(ran.err.contains(&format!(": on {}", lent.address)), "{ran:?}");
    for way in ways {
        let row = measured["rows"].as_array().unwrap().iter().find(|row| row["config"] == way);
        assert_eq!(row.unwrap_or_else(|| panic!("no {way}: {ran:?}"))["prompts"], json!(1));
    }
}

#[test]
fn what_a_device_would_hold_of_the_chosen_ladder_is_told_and_its_address_is_not_handed_on() {
    let taki = Taki::with_models();
    let lent = Lent::by(&taki);
    let settings = format!("ladder = \"smollm2\"\ngpuLayers = 99\nworkers = [\"{}\"]\n", lent.address);
    let at = |name: &str| taki.home.path().join(name);
    fs::create_dir(at("config")).unwrap();
    fs::write(at("config/settings.toml"), settings).unwrap();
    let place = at("for-help.json");
    let told = taki.run(&["doctor", "--json", "--bundle", place.to_str().unwrap()]).good();
    let shares = told["foreseen"].as_array().unwrap();
    assert!(shares.iter().any(|share| share["bytes"].as_u64().unwrap() > 50_000_000), "{told}");
    assert!(shares.iter().any(|share| share["description"] == lent.address.as_str()), "{told}");
    let bundle = fs::read_to_string(&place).unwrap();
    assert!(bundle.contains("\"foreseen\"") && !bundle.contains(&lent.address), "{bundle}");
    let told = taki.run(&["doctor"]);
    assert!(told.out.contains(&lent.address) && told.out.contains(": about "), "{told:?}");
    assert!(told.out.contains("99 of the target's layers on devices, as set"), "{told:?}");
}
