//! Python packages, with a program in Python's place that writes the wheels it is told to.
#![cfg(unix)]

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use protocol::Code;
use tempfile::TempDir;
use zip::write::SimpleFileOptions;

use super::bench::{Bench, parts};
use crate::entry::Source;
use crate::fetch::SourceKind;
use crate::hostile;

/// A program that answers like `python -m pip`: copies the wheel of the package asked for from its own folder.
struct Pip {
    folder: TempDir,
}

impl Pip {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let pip = Self { folder };
        let script = format!(
            r#"#!/bin/sh
echo "$*" >> {here}/calls
[ "$3" = --version ] && exit 0
while [ "$1" != --dest ]; do shift; done
wheel="$(echo "${{3%%==*}}" | tr - _)-${{3##*==}}-py3-none-any.whl"
if [ -f "{here}/$wheel" ]; then cp "{here}/$wheel" "$2/"; else
echo "ERROR: No matching distribution found for $3" >&2; exit 1; fi
"#,
            here = pip.folder.path().display()
        );
        fs::write(pip.python(), script).unwrap();
        fs::set_permissions(pip.python(), fs::Permissions::from_mode(0o755)).unwrap();
        pip
    }

    fn python(&self) -> PathBuf {
        self.folder.path().join("python")
    }

    fn wheel(&self, number: u32) -> PathBuf {
        self.folder.path().join(format!("some_model_part{number}-1.2-py3-none-any.whl"))
    }

    fn calls(&self) -> usize {
        let calls = fs::read_to_string(self.folder.path().join("calls")).unwrap_or_default();
        calls.lines().filter(|call| call.contains("download")).count()
    }
}

fn write_wheel(path: &Path, entries: &[(&str, &[u8])]) {
    let mut wheel = zip::ZipWriter::new(File::create(path).unwrap());
    for (name, bytes) in entries {
        wheel.start_file(*name, SimpleFileOptions::default()).unwrap();
        wheel.write_all(bytes).unwrap();
    }
    wheel.finish().unwrap();
}

/// A model in three packages, cut at odd places.
fn bench() -> (Bench, Pip) {
    let mut bench = Bench::new(300_000, vec![parts(3)]);
    let pip = Pip::new();
    bench.options.python = Some(pip.python());
    // The clock of the tests outruns a real process.
    bench.options.package_timeout = std::time::Duration::MAX;
    for (number, span) in [(1, 0..70_001), (2, 70_001..199_999), (3, 199_999..300_000)] {
        let entry = format!("some_model_part{number}/part0{number}.bin");
        // What else a wheel holds, be it ever so hostile, is not looked at.
        let others: [(&str, &[u8]); 3] = [("../../escaped", b"x"), ("/tmp/taki-escaped", b"x"), ("setup.py", b"x")];
        let ours = (entry.as_str(), &bench.contents[span]);
        write_wheel(&pip.wheel(number), &[&others[..], &[ours]].concat());
    }
    (bench, pip)
}

#[test]
fn the_parts_are_joined_and_nothing_else_is_unpacked() {
    let (mut bench, pip) = bench();
    bench.gets_it();
    assert_eq!(pip.calls(), 3);
    assert!(bench.reports.iter().all(|report| report.source == Some(SourceKind::PythonPackages)));
    let names = fs::read_dir(bench.store.root()).unwrap().map(|entry| entry.unwrap().file_name());
    assert_eq!(names.count(), 3, "the model, staging and the mark");
    assert!(!Path::new("/tmp/taki-escaped").exists());
}

#[test]
fn packages_that_came_are_not_fetched_twice() {
    let (mut bench, pip) = bench();
    let third = fs::read(pip.wheel(3)).unwrap();
    fs::remove_file(pip.wheel(3)).unwrap();
    let problem = bench.fails(Code::DownloadFailed);
    assert!(problem.details["reason"].contains("No matching distribution"), "{problem:?}");
    assert_eq!(pip.calls(), 3);
    fs::write(pip.wheel(3), third).unwrap();
    bench.gets_it();
    assert_eq!(pip.calls(), 4);
}

#[test]
fn a_package_with_too_much_too_little_or_something_else_is_refused() {
    let name = "some_model_part2/part02.bin";
    let cases: [(&str, usize, Code); 3] = [
        // A bomb is not unpacked beyond what is missing.
        (name, 50_000_000, Code::DownloadMismatch),
        (name, 10, Code::DownloadMismatch),
        ("other/part02.bin", 129_998, Code::DownloadMismatch),
    ];
    for (entry, bytes, code) in cases {
        let (mut bench, pip) = bench();
        write_wheel(&pip.wheel(2), &[(entry, &vec![0; bytes])]);
        bench.fails(code);
        assert!(bench.part() <= bench.model.bytes);
    }
    let (mut bench, pip) = bench();
    fs::write(pip.wheel(2), b"PK no archive").unwrap();
    let problem = bench.fails(Code::DownloadFailed);
    assert!(problem.details["reason"].contains("damaged"), "{problem:?}");
}

#[test]
fn a_python_without_pip_says_what_to_install() {
    let (mut bench, pip) = bench();
    fs::write(pip.python(), "#!/bin/sh\nexit 1\n").unwrap();
    let problem = bench.fails(Code::DownloadFailed);
    assert!(problem.details["reason"].contains("python3-pip"), "{problem:?}");
}

#[test]
fn a_wheel_full_of_names_that_lead_elsewhere_gives_the_model_and_nothing_else() {
    let (mut bench, pip) = bench();
    let entry = "some_model_part2/part02.bin";
    let home = bench.store.root().parent().unwrap().to_owned();
    let there = hostile::write_wheel(&pip.wheel(2), &home, entry, &bench.contents[70_001..199_999]);
    assert!(there > 1000, "{there}");
    bench.gets_it();
    let around: Vec<_> = fs::read_dir(home).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(around, ["models"]);
}

#[test]
fn an_entry_is_only_looked_for_whatever_a_catalogue_calls_it() {
    let mut bench = Bench::new(2000, vec![parts(1)]);
    bench.options.python = Some("/no/such/python".into());
    let home = bench.store.root().parent().unwrap().to_owned();
    let (mut asked, mut found) = (0_usize, 0);
    for name in hostile::names(&home) {
        let Source::PythonPackages(parts) = &mut bench.model.sources[0] else { panic!("packages") };
        parts.entry.clone_from(&name);
        let (_, entry) = parts.each().next().unwrap();
        let folder = bench.store.staging().join(format!("{}.packages", bench.model.sha256));
        fs::create_dir_all(&folder).unwrap();
        let wheel = folder.join("some_model_part1-1.2-py3-none-any.whl");
        let mut archive = zip::ZipWriter::new(File::create(&wheel).unwrap());
        asked += 1;
        if !hostile::fits_an_archive(&entry)
            || archive.start_file(entry.as_str(), SimpleFileOptions::default()).is_err()
        {
            continue;
        }
        // Only a few are the model: what is taken in is written to the disk for good, which takes its time.
        let short = usize::from(!asked.is_multiple_of(16));
        archive.write_all(&bench.contents[short..]).unwrap();
        archive.finish().unwrap();
        if let Ok(path) = bench.fetch() {
            found += 1;
            fs::remove_file(path).unwrap();
        }
    }
    assert!(asked >= 500 && found > 20, "{found} of {asked}");
    let around: Vec<_> = fs::read_dir(&home).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(around, ["models"]);
    let inside = fs::read_dir(bench.store.root()).unwrap().map(|entry| entry.unwrap().file_name());
    let inside: std::collections::BTreeSet<_> = inside.collect();
    assert!(
        inside.iter().all(|name| ["staging", "verified", "quarantine"].iter().any(|own| name == own)),
        "{inside:?}"
    );
}
