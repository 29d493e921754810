//! Updates from a real HTTP server on loopback and from a folder, put in place of a pretended `AppImage`, or refused.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use catalog::{FetchOptions, UpdateSource};
use minisign::KeyPair;
use protocol::{Code, Problem};
use serde_json::{Value, json};
use tauri::test::{MockRuntime, mock_builder, mock_context, noop_assets};
use tauri_plugin_updater::UpdaterExt;

use super::publisher::{Place, Publisher};

/// What the list calls the packages of the test.
const TARGET: &str = "linux-x86_64-appimage";

/// The program before the update.
const OLD: &[u8] = b"\x7fELF 0.1.0";

/// What lies at a path.
#[derive(Clone)]
enum Lies {
    Whole(Vec<u8>),
    /// All of it is promised, and so much sent.
    Cut(Vec<u8>, usize),
    /// The same, and the connection stays open.
    Silent(Vec<u8>, usize),
    /// Elsewhere.
    At(&'static str),
}

/// A server that gives what lies there.
fn serve(files: BTreeMap<String, Lies>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let files = Arc::new(files);
    // Lives as long as the test process: a listener cannot be woken without a connection.
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let files = Arc::clone(&files);
            // The client may have gone.
            thread::spawn(move || drop(answer(stream, &files)));
        }
    });
    address
}

fn answer(mut to: TcpStream, files: &BTreeMap<String, Lies>) -> std::io::Result<()> {
    let mut lines = BufReader::new(to.try_clone()?).lines().map_while(Result::ok);
    let first = lines.next().unwrap_or_default();
    lines.find(String::is_empty);
    let mut give = |bytes: &[u8], sent: usize| {
        write!(to, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n\r\n", bytes.len())?;
        to.write_all(&bytes[..sent])
    };
    match first.split(' ').nth(1).and_then(|path| files.get(path.trim_start_matches('/'))) {
        Some(Lies::Whole(bytes)) => give(bytes, bytes.len()),
        Some(Lies::Cut(bytes, sent)) => give(bytes, *sent),
        Some(Lies::Silent(bytes, sent)) => {
            give(bytes, *sent)?;
            to.read(&mut [0; 1]).map(drop)
        }
        Some(Lies::At(elsewhere)) => {
            write!(to, "HTTP/1.1 302 Found\r\nConnection: close\r\nContent-Length: 0\r\nLocation: {elsewhere}\r\n\r\n")
        }
        None => write!(to, "HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"),
    }
}

/// Whoever publishes updates, and the computer that looks for them.
struct Office {
    keys: KeyPair,
    app: tauri::App<MockRuntime>,
    folder: tempfile::TempDir,
}

impl Office {
    fn new() -> Self {
        let mut context = mock_context(noop_assets());
        context.config_mut().plugins.0.insert("updater".to_owned(), json!({ "pubkey": "" }));
        let app = mock_builder().plugin(tauri_plugin_updater::Builder::new().build()).build(context).unwrap();
        let office =
            Self { keys: KeyPair::generate_unencrypted_keypair().unwrap(), app, folder: tempfile::tempdir().unwrap() };
        fs::write(office.image(), OLD).unwrap();
        office
    }

    fn image(&self) -> PathBuf {
        self.folder.path().join("Taki.AppImage")
    }

    fn key(&self) -> String {
        BASE64_STANDARD.encode(self.keys.pk.to_box().unwrap().to_string())
    }

    /// A signature as `tauri signer sign` writes it.
    fn sign(&self, package: &[u8], comment: &str) -> String {
        let signed = minisign::sign(Some(&self.keys.pk), &self.keys.sk, package, Some(comment), None).unwrap();
        BASE64_STANDARD.encode(signed.to_string())
    }

    /// The list of a package that lies beside it.
    fn list(&self, version: &str, package: &[u8]) -> Value {
        let signature = self.sign(package, &format!("timestamp:1\tfile:p\tversion:{version}"));
        json!({ "version": version, "notes": "New.", "platforms": { TARGET: { "url": "p", "signature": signature } } })
    }

    fn publisher(&self, source: UpdateSource) -> Publisher {
        Publisher { source, key: self.key(), target: TARGET.to_owned() }
    }

    /// Looks and installs; the version that is in place then, None if there is none to be had.
    fn update(&self, publisher: &Publisher) -> Result<Option<String>, Problem> {
        let (options, stop) = (
            FetchOptions { stall_timeout: Duration::from_millis(300), ..FetchOptions::default() },
            AtomicBool::new(false),
        );
        let Some(update) = publisher.look(self.app.handle().updater_builder(), &options, &stop)? else {
            return Ok(None);
        };
        let mut told = 0.0_f64;
        let package = publisher.package(&update, &options, &stop, &mut |progress| told = progress.done_bytes as f64)?;
        assert!(told > 0.0, "it is told how much is here");
        package.install(&Place::Image(self.image()))?;
        Ok(Some(update.version))
    }

    /// The same from a server.
    fn over_http(&self, list: &Value, package: Lies) -> Result<Option<String>, Problem> {
        let list = Lies::Whole(list.to_string().into_bytes());
        let address = serve(BTreeMap::from([("latest.json".to_owned(), list), ("p".to_owned(), package)]));
        let source = UpdateSource::parse(&format!("{address}/latest.json")).unwrap().unwrap();
        self.update(&self.publisher(source))
    }

    /// It is refused with this code and reason, and the program is what it was.
    #[track_caller]
    fn refuses(&self, list: &Value, package: Lies, code: Code, reason: &str) {
        let problem = self.over_http(list, package).unwrap_err();
        assert_eq!(problem.code, code, "{problem:?}");
        assert!(problem.details["reason"].contains(reason), "{problem:?}");
        assert!(problem.details.contains_key("reason_ja"), "{problem:?}");
        self.is_untouched();
    }

    #[track_caller]
    fn is_untouched(&self) {
        assert_eq!(fs::read(self.image()).unwrap(), OLD, "the program is another one");
        assert_eq!(fs::read_dir(self.folder.path()).unwrap().count(), 1, "something was left behind");
    }
}

fn new(version: &str) -> Vec<u8> {
    format!("\x7fELF {version} {}", "x".repeat(200_000)).into_bytes()
}

#[test]
fn a_newer_version_takes_the_place_of_the_program() {
    let office = Office::new();
    let package = new("0.2.0");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(office.image(), fs::Permissions::from_mode(0o755)).unwrap();
    }
    let updated = office.over_http(&office.list("0.2.0", &package), Lies::Whole(package.clone()));
    assert_eq!(updated, Ok(Some("0.2.0".to_owned())));
    assert!(fs::read(office.image()).unwrap() == package);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(fs::metadata(office.image()).unwrap().permissions().mode() & 0o777, 0o755, "it can be run");
    }
    assert_eq!(fs::read_dir(office.folder.path()).unwrap().count(), 1, "nothing was left behind");
}

#[test]
fn a_folder_is_held_to_the_same_rules() {
    let office = Office::new();
    let share = tempfile::tempdir().unwrap();
    let publisher = office.publisher(UpdateSource::Folder(share.path().to_owned()));
    assert_eq!(office.update(&publisher).unwrap_err().code, Code::UpdateSourceFailed, "there is no list yet");
    let package = new("0.2.0");
    fs::write(share.path().join("latest.json"), office.list("0.2.0", &package).to_string()).unwrap();
    fs::write(share.path().join("p"), new("0.2.1")).unwrap();
    assert_eq!(office.update(&publisher).unwrap_err().code, Code::UpdateRefused, "it is another package");
    office.is_untouched();
    fs::write(share.path().join("p"), &package).unwrap();
    assert_eq!(office.update(&publisher), Ok(Some("0.2.0".to_owned())));
    assert!(fs::read(office.image()).unwrap() == package);
}

/// Of a key that was made for this, what `tauri signer sign --app-version 0.2.0` wrote of the file `\x7fELF x`.
const MADE_KEY: &str = "dW50cnVzdGVkIGNvbW1lbnQ6IG1pbmlzaWduIHB1YmxpYyBrZXk6IEFDRTYwNTM5MjcwRjIyRTAKUldUZ0lnOG5PUVhtckVjaWxxajZoM3Rad3VPR0RXS3drUkFuc3RKVnA0ZVdHSnp0RWMxeE1kT0gK";
const MADE_SIGNATURE: &str = "dW50cnVzdGVkIGNvbW1lbnQ6IHNpZ25hdHVyZSBmcm9tIHRhdXJpIHNlY3JldCBrZXkKUlVUZ0lnOG5PUVhtck5kcGhKamxhcFJXSkRjeGFmQVBFVy9PTEorcjcwcm1rcExZeEFJdFVsRy9DSUQ2dmJvR3V3YWJsd08veWwyWnVtbDZ5ZktCaU5qdWt4NzdJVnhaMGdzPQp0cnVzdGVkIGNvbW1lbnQ6IHRpbWVzdGFtcDoxNzk1Nzc2MTE4CWZpbGU6VGFraV8wLjIuMF9hbWQ2NC5BcHBJbWFnZQl2ZXJzaW9uOjAuMi4wCkIybDBVMy9nWVpnMFg0Q09ZRGJPMCsveCtiMW91R05IVE1CNXY5RGdNTWhpait2aXdwOWQ4UkFIZ1pxYlZHZU9ScUw0UlBwMW9EWWFkbFJwODk4WkF3PT0K";

#[test]
fn what_the_packages_are_signed_with_is_understood() {
    let office = Office::new();
    let share = tempfile::tempdir().unwrap();
    let package = json!({ "url": "p", "signature": MADE_SIGNATURE });
    let list = json!({ "version": "0.2.0", "notes": "", "pub_date": "2026-11-27T10:41:58Z", "platforms": { TARGET: package } });
    fs::write(share.path().join("latest.json"), list.to_string()).unwrap();
    fs::write(share.path().join("p"), b"\x7fELF x").unwrap();
    let source = UpdateSource::Folder(share.path().to_owned());
    let publisher = Publisher { key: format!("{MADE_KEY}\n"), ..office.publisher(source) };
    assert_eq!(office.update(&publisher), Ok(Some("0.2.0".to_owned())));
    assert_eq!(fs::read(office.image()).unwrap(), b"\x7fELF x");
}

#[test]
fn what_is_not_newer_is_no_update() {
    let office = Office::new();
    for version in ["0.1.0", "0.0.9", "0.1.0-beta.1"] {
        let package = new(version);
        assert_eq!(office.over_http(&office.list(version, &package), Lies::Whole(package)), Ok(None), "{version}");
    }
    office.is_untouched();
}

#[test]
fn an_old_package_does_not_pass_as_a_newer_one() {
    let office = Office::new();
    let package = new("0.0.9");
    let mut list = office.list("0.0.9", &package);
    list["version"] = "0.3.0".into();
    office.refuses(
        &list,
        Lies::Whole(package.clone()),
        Code::UpdateRefused,
        "announced as version 0.3.0 but was signed as version 0.0.9",
    );
    // Signed without a version it could be any.
    list["platforms"][TARGET]["signature"] = office.sign(&package, "timestamp:1\tfile:p").into();
    office.refuses(&list, Lies::Whole(package), Code::UpdateRefused, "does not say which version");
}

#[test]
fn what_is_not_signed_with_the_key_is_refused() {
    let (office, other) = (Office::new(), Office::new());
    let package = new("0.2.0");
    let not_by = "not that of the key";
    office.refuses(&other.list("0.2.0", &package), Lies::Whole(package.clone()), Code::UpdateRefused, not_by);
    let mut list = office.list("0.2.0", &package);
    // Its comment is signed, too: here a version is put in the place of another one.
    let signature = BASE64_STANDARD.decode(list["platforms"][TARGET]["signature"].as_str().unwrap()).unwrap();
    let forged = String::from_utf8(signature).unwrap().replace("version:0.2.0", "version:0.3.0");
    list["version"] = "0.3.0".into();
    for signature in [BASE64_STANDARD.encode(forged), "no signature".to_owned(), String::new()] {
        list["platforms"][TARGET]["signature"] = signature.into();
        office.refuses(&list, Lies::Whole(package.clone()), Code::UpdateRefused, not_by);
    }
    let publisher = Publisher { key: "no key".to_owned(), ..office.publisher(UpdateSource::Folder("/".into())) };
    assert_eq!(office.update(&publisher).unwrap_err().code, Code::UpdateRefused);
}

#[test]
fn a_list_that_makes_no_sense_is_refused() {
    let office = Office::new();
    let package = new("0.2.0");
    let whole = || Lies::Whole(package.clone());
    let unclear = "cannot be understood";
    for list in [
        json!([]),
        json!({ "version": "next" }),
        json!({ "version": "0.2.0", "platforms": { TARGET: { "url": "p" } } }),
    ] {
        office.refuses(&list, whole(), Code::UpdateRefused, unclear);
    }
    let mut list = office.list("0.2.0", &package);
    list["platforms"] = json!({ "linux-x86_64-deb": list["platforms"][TARGET] });
    office.refuses(&list, whole(), Code::UpdateRefused, "no package for linux-x86_64-appimage");
}

#[test]
fn a_changed_package_is_refused() {
    let office = Office::new();
    let package = new("0.2.0");
    let mut changed = package.clone();
    changed[100_000] ^= 1;
    office.refuses(&office.list("0.2.0", &package), Lies::Whole(changed), Code::UpdateRefused, "changed on the way");
}

#[test]
fn a_package_of_another_kind_is_refused() {
    let office = Office::new();
    let package = b"!<arch>\ndebian-binary".to_vec();
    office.refuses(&office.list("0.2.0", &package), Lies::Whole(package), Code::UpdateNotInstalled, "no AppImage");
}

#[test]
fn an_interrupted_update_changes_nothing_and_can_be_tried_again() {
    let office = Office::new();
    let package = new("0.2.0");
    let list = office.list("0.2.0", &package);
    for broken in
        [Lies::Cut(package.clone(), 70_000), Lies::Silent(package.clone(), 70_000), Lies::Cut(package.clone(), 0)]
    {
        let problem = office.over_http(&list, broken).unwrap_err();
        assert_eq!(problem.code, Code::UpdateSourceFailed, "{problem:?}");
        office.is_untouched();
    }
    assert_eq!(office.over_http(&list, Lies::Whole(package)), Ok(Some("0.2.0".to_owned())));
}

#[test]
fn nobody_is_led_to_an_unprotected_address() {
    let office = Office::new();
    let package = new("0.2.0");
    let mut list = office.list("0.2.0", &package);
    let unprotected = "an unprotected address";
    office.refuses(&list, Lies::At("http://updates.example/p"), Code::UpdateSourceFailed, unprotected);
    list["platforms"][TARGET]["url"] = "http://updates.example/p".into();
    office.refuses(&list, Lies::Whole(package), Code::UpdateSourceFailed, unprotected);
    assert_eq!(UpdateSource::parse("http://updates.example/latest.json").unwrap_err().code, Code::SettingInvalid);
}

#[test]
fn whoever_cancels_keeps_what_is_installed() {
    let office = Office::new();
    let package = new("0.2.0");
    let share = tempfile::tempdir().unwrap();
    fs::write(share.path().join("latest.json"), office.list("0.2.0", &package).to_string()).unwrap();
    fs::write(share.path().join("p"), &package).unwrap();
    let publisher = office.publisher(UpdateSource::Folder(share.path().to_owned()));
    let (options, stop) = (FetchOptions::default(), AtomicBool::new(false));
    let update = publisher.look(office.app.handle().updater_builder(), &options, &stop).unwrap().unwrap();
    let mut on = |_| stop.store(true, std::sync::atomic::Ordering::Relaxed);
    let stopped = publisher.package(&update, &options, &stop, &mut on).map(drop).unwrap_err();
    assert_eq!(stopped.code, Code::Cancelled);
    office.is_untouched();
}
