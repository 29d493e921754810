//! Newer versions of this program: where they are announced, and what lies there. Nothing of it is believed here; whoever asks checks signatures.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Read};
use std::path::{Component, Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use protocol::{Code, Problem};
use ureq::http::{Method, Response};
use ureq::{Body, Error};
use url::Url;

use super::asking::{agent, in_words, is_safe, refused, send};
use super::progress::Meter;
use super::{FetchOptions, FetchProgress, Stop};
use crate::in_time::in_time;

/// Where updates of this build come from, unless somebody says otherwise.
const BUILT_IN: Option<&str> = option_env!("TAKI_UPDATES");

/// Name of the list in a folder.
const LIST: &str = "latest.json";

/// Largest list, in bytes.
const LARGEST_LIST: u64 = 1 << 20;

/// Largest package, in bytes.
const LARGEST: u64 = 1 << 28;

/// Bytes that are read at a time.
const BITE: usize = 1 << 17;

/// Where newer versions of this program are looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UpdateSource {
    /// Nowhere: they are switched off.
    Off,
    /// In a folder that has the list and the packages; it may be another computer's.
    Folder(PathBuf),
    /// Where the list at this address says.
    Address(Url),
}

impl fmt::Display for UpdateSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Off => f.write_str("off"),
            Self::Folder(folder) => folder.display().fmt(f),
            Self::Address(list) => list.fmt(f),
        }
    }
}

impl UpdateSource {
    /// Reads what a setting says: `off`, the whole path of a folder, or the address of a list. If that is nothing, what was built in counts;
    /// None if that is nothing either.
    ///
    /// # Errors
    /// [`Code::SettingInvalid`].
    pub fn parse(text: &str) -> Result<Option<Self>, Problem> {
        Self::of(text.trim(), BUILT_IN.unwrap_or_default())
    }

    pub(super) fn of(text: &str, built_in: &str) -> Result<Option<Self>, Problem> {
        let text = if text.is_empty() { built_in } else { text };
        if text.is_empty() {
            return Ok(None);
        }
        if text == "off" {
            return Ok(Some(Self::Off));
        }
        if Path::new(text).is_absolute() {
            return Ok(Some(Self::Folder(text.into())));
        }
        let is_plain = |url: &Url| is_safe(url.as_str()) && url.username().is_empty() && url.password().is_none();
        let list = Url::parse(text).ok().filter(is_plain);
        list.map(|list| Some(Self::Address(list))).ok_or_else(|| {
            let invalid = Problem::new(Code::SettingInvalid).with("name", "updates").with("value", text);
            invalid.with("reason", "it is neither an address that starts with https:// nor the whole path of a folder")
        })
    }

    /// Where a file lies that the list calls so: beside the list, or at an address of its own. None if that is no address.
    pub fn resolve(&self, named: &str) -> Option<Url> {
        self.list().and_then(|list| list.join(named).ok())
    }

    fn list(&self) -> Option<Url> {
        match self {
            Self::Off => None,
            Self::Folder(folder) => Url::from_file_path(folder.join(LIST)).ok(),
            Self::Address(list) => Some(list.clone()),
        }
    }

    /// What is announced: the list as it lies there.
    ///
    /// # Errors
    /// [`Code::UpdateSourceFailed`], [`Code::Cancelled`].
    pub fn announced(&self, options: &FetchOptions, cancel: &AtomicBool) -> Result<Vec<u8>, Problem> {
        let list = self.list().ok_or_else(|| self.failed("there is no such address"))?;
        self.fetch(&list, LARGEST_LIST, options, cancel, &mut |_| ())
    }

    /// The package at an address that [`resolve`](Self::resolve) gave.
    ///
    /// # Errors
    /// [`Code::UpdateSourceFailed`], [`Code::Cancelled`].
    pub fn package(
        &self,
        at: &Url,
        options: &FetchOptions,
        cancel: &AtomicBool,
        on: &mut dyn FnMut(FetchProgress),
    ) -> Result<Vec<u8>, Problem> {
        self.fetch(at, LARGEST, options, cancel, on)
    }

    fn failed(&self, reason: impl fmt::Display) -> Problem {
        Problem::new(Code::UpdateSourceFailed).with("from", self).with("reason", reason)
    }

    fn fetch(
        &self,
        at: &Url,
        largest: u64,
        options: &FetchOptions,
        cancel: &AtomicBool,
        on: &mut dyn FnMut(FetchProgress),
    ) -> Result<Vec<u8>, Problem> {
        let (source, at, options) = (self.clone(), at.clone(), options.clone());
        // To open a file of a share that is gone, or to wait for a server's first word, takes as long as it takes.
        in_time(cancel, on, move |cancel, on| {
            let reading = Reading { largest, options: &options, cancel, on };
            let fetched = match &source {
                Self::Off => Err(Stop::source("updates are switched off")),
                Self::Folder(folder) => open(folder, &at).and_then(|(file, bytes)| reading.whole(file, Some(bytes))),
                Self::Address(list) => ask(list, &at, &options).and_then(|response| {
                    let bytes = response.body().content_length();
                    reading.whole(response.into_body().into_reader(), bytes)
                }),
            };
            fetched.map_err(|stop| match stop {
                Stop::Cancelled => Problem::new(Code::Cancelled),
                Stop::Here(problem) => problem,
                Stop::Source { reason, .. } => source.failed(reason),
            })
        })
    }
}

/// Opens a file of the folder, and says how long it is.
fn open(folder: &Path, at: &Url) -> Result<(File, u64), Stop> {
    // Each part by its name: “..%2f” becomes a step upwards only now.
    let is_below = |path: &Path| {
        let below = path.strip_prefix(folder);
        below.is_ok_and(|below| below.components().all(|part| matches!(part, Component::Normal(_))))
    };
    let path = at.to_file_path().ok().filter(|path| at.scheme() == "file" && is_below(path));
    let path = path.ok_or_else(|| Stop::source("the list names a file outside its folder"))?;
    let failed = |error: io::Error| Stop::source(error.to_string());
    let about = fs::metadata(&path).map_err(failed)?;
    // To open a pipe is to wait.
    if !about.is_file() {
        return Err(Stop::source("what lies there is no file"));
    }
    Ok((File::open(&path).map_err(failed)?, about.len()))
}

/// Asks the server of the `list` for what is `at` an address. From there it may send us on only to where nobody on the way can change anything.
fn ask(list: &Url, at: &Url, options: &FetchOptions) -> Result<Response<Body>, Stop> {
    let unsafe_ = || Stop::source("the server leads to an unprotected address");
    if !is_safe(at.as_str()) {
        return Err(unsafe_());
    }
    let answer = agent(list.as_str(), options)
        .and_then(|agent| send(&agent, &Method::GET, at.as_str(), &[], options, &|_, next| is_safe(next.as_str())));
    let response = answer.map_err(|error| Stop::source(in_words(&error, options)))?.response;
    match response.status().as_u16() {
        200 => Ok(response),
        300..400 => Err(unsafe_()),
        _ => Err(Stop::source(refused(response.status(), response.headers(), options))),
    }
}

/// How a file is read.
struct Reading<'a> {
    largest: u64,
    options: &'a FetchOptions,
    cancel: &'a AtomicBool,
    on: &'a mut dyn FnMut(FetchProgress),
}

impl Reading<'_> {
    /// Reads to the end: all of it, or nothing.
    fn whole(self, mut from: impl Read, bytes: Option<u64>) -> Result<Vec<u8>, Stop> {
        let too_large = || Stop::source("it is larger than an update can be");
        if bytes.is_some_and(|bytes| bytes > self.largest) {
            return Err(too_large());
        }
        let mut meter = Meter::new(bytes.unwrap_or(0), self.options.time.clone(), self.on);
        let (mut all, mut bite) = (Vec::new(), vec![0; BITE]);
        while !self.cancel.load(Ordering::Relaxed) {
            match from.read(&mut bite) {
                Ok(0) if bytes.is_some_and(|bytes| bytes != all.len() as u64) => {
                    return Err(Stop::source("the connection ended early"));
                }
                Ok(0) => return Ok(all),
                Ok(count) => all.extend_from_slice(&bite[..count]),
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(Stop::source(in_words(&Error::from(error), self.options))),
            }
            if all.len() as u64 > self.largest {
                return Err(too_large());
            }
            meter.report(all.len() as u64, false);
        }
        Err(Stop::Cancelled)
    }
}
