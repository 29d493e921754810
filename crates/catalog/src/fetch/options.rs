use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use protocol::{Code, Problem};

/// Where a file comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SourceKind {
    /// A Hugging Face repository.
    HuggingFace,
    /// Packages of the Python package index, through `pip`.
    PythonPackages,
    /// A folder on this computer or network.
    Folder,
}

impl fmt::Display for SourceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::HuggingFace => "Hugging Face",
            Self::PythonPackages => "Python packages",
            Self::Folder => "folder",
        })
    }
}

/// Which sources may be used.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum SourceChoice {
    /// Those of the catalogue, in its order.
    #[default]
    Any,
    /// Only Hugging Face.
    HuggingFace,
    /// Only Python packages.
    PythonPackages,
    /// Only this folder: no network at all.
    Folder(PathBuf),
}

impl SourceChoice {
    /// Reads the value of `TAKI_SOURCE`: `huggingface`, `pypi` or an existing folder.
    ///
    /// # Errors
    /// [`Code::SettingInvalid`].
    pub fn parse(text: &str) -> Result<Self, Problem> {
        match text {
            "" => Ok(Self::Any),
            "huggingface" => Ok(Self::HuggingFace),
            "pypi" => Ok(Self::PythonPackages),
            folder if Path::new(folder).is_dir() => Ok(Self::Folder(folder.into())),
            _ => Err(Problem::new(Code::SettingInvalid)
                .with("name", "TAKI_SOURCE")
                .with("value", text)
                .with("reason", "it is neither huggingface nor pypi nor a folder that exists")),
        }
    }
}

/// How often and how patiently a source is asked again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retry {
    /// Failures in a row after which a source is given up. A failure after real progress starts the count anew.
    pub attempts: u32,
    /// Wait after the first failure; doubles with each.
    pub first_wait: Duration,
    /// Longest wait, also for a server that asks for a longer one.
    pub longest_wait: Duration,
}

impl Retry {
    pub(crate) fn wait(&self, failures: u32, asked: Option<Duration>) -> Duration {
        let doubled = self.first_wait.saturating_mul(1 << failures.saturating_sub(1).min(16));
        doubled.max(asked.unwrap_or_default()).min(self.longest_wait)
    }
}

/// The time that passes, passed in so that tests need not wait.
pub trait Time: Send + Sync {
    /// Time since some fixed moment.
    fn now(&self) -> Duration;
    /// Lets this much time pass.
    fn pause(&self, time: Duration);
}

/// The computer's own time.
#[derive(Debug, Clone, Copy)]
pub struct SystemTime(Instant);

impl Default for SystemTime {
    fn default() -> Self {
        Self(Instant::now())
    }
}

impl Time for SystemTime {
    fn now(&self) -> Duration {
        self.0.elapsed()
    }

    fn pause(&self, time: Duration) {
        std::thread::sleep(time);
    }
}

/// How files are fetched. [`FetchOptions::from_env`] is what programs use.
#[derive(Clone)]
pub struct FetchOptions {
    /// Which sources may be used.
    pub source: SourceChoice,
    /// Where Hugging Face is, without a slash at the end.
    pub endpoint: String,
    /// The Python to run; None looks for `python3` and `python`.
    pub python: Option<PathBuf>,
    /// How long finding and connecting to a server may take.
    pub connect_timeout: Duration,
    /// How long a server may send nothing.
    pub stall_timeout: Duration,
    /// How long `pip` may show no progress.
    pub package_timeout: Duration,
    /// When and how often to ask again.
    pub retry: Retry,
    /// Space in bytes that must be left on the disk.
    pub reserve: u64,
    /// Free space in bytes of the disk that holds a folder.
    pub free_space: fn(&Path) -> io::Result<u64>,
    /// The time that passes.
    pub time: Arc<dyn Time>,
}

impl Default for FetchOptions {
    fn default() -> Self {
        Self {
            source: SourceChoice::Any,
            endpoint: "https://huggingface.co".to_owned(),
            python: None,
            connect_timeout: Duration::from_secs(5),
            stall_timeout: Duration::from_secs(30),
            package_timeout: Duration::from_secs(120),
            retry: Retry { attempts: 5, first_wait: Duration::from_secs(1), longest_wait: Duration::from_secs(60) },
            reserve: 500_000_000,
            free_space: |folder| fs4::available_space(folder),
            time: Arc::new(SystemTime::default()),
        }
    }
}

impl fmt::Debug for FetchOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FetchOptions")
            .field("source", &self.source)
            .field("endpoint", &self.endpoint)
            .finish_non_exhaustive()
    }
}

impl FetchOptions {
    /// The standard options with what the environment says: `TAKI_SOURCE` (see [`SourceChoice::parse`]) and
    /// `HF_ENDPOINT`. Proxies are taken from the environment as well.
    ///
    /// # Errors
    /// [`Code::SettingInvalid`].
    pub fn from_env() -> Result<Self, Problem> {
        let value = |name| std::env::var(name).unwrap_or_default();
        let mut options = Self { source: SourceChoice::parse(&value("TAKI_SOURCE"))?, ..Self::default() };
        let endpoint = value("HF_ENDPOINT");
        if !endpoint.is_empty() {
            options.endpoint = checked_endpoint(&endpoint)?;
        }
        Ok(options)
    }
}

fn checked_endpoint(text: &str) -> Result<String, Problem> {
    let text = text.trim_end_matches('/');
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    if host.is_some_and(|host| !host.is_empty() && !host.contains(['?', '#', '@', ' '])) {
        return Ok(text.to_owned());
    }
    Err(Problem::new(Code::SettingInvalid)
        .with("name", "HF_ENDPOINT")
        .with("value", text)
        .with("reason", "it is not an address that starts with https://"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_longest() {
        let seconds = Duration::from_secs;
        let retry = Retry { attempts: 9, first_wait: seconds(1), longest_wait: seconds(10) };
        let waits: Vec<_> = (1..=5).map(|failures| retry.wait(failures, None).as_secs()).collect();
        assert_eq!(waits, [1, 2, 4, 8, 10]);
        assert_eq!(retry.wait(1, Some(seconds(7))), seconds(7), "a server may ask for more patience");
        assert_eq!(retry.wait(1, Some(seconds(9999))), seconds(10), "but not for any");
        assert_eq!(retry.wait(u32::MAX, None), seconds(10));
    }

    #[test]
    fn a_source_or_address_that_makes_no_sense_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let text = folder.path().to_str().unwrap();
        assert_eq!(SourceChoice::parse(text).unwrap(), SourceChoice::Folder(text.into()));
        assert_eq!(SourceChoice::parse("pypi").unwrap(), SourceChoice::PythonPackages);
        assert_eq!(SourceChoice::parse("").unwrap(), SourceChoice::Any);
        assert_eq!(SourceChoice::parse("/no/such/folder").unwrap_err().code, Code::SettingInvalid);
        assert_eq!(checked_endpoint("https://mirror.example/hf/").unwrap(), "https://mirror.example/hf");
        for bad in ["mirror.example", "ftp://x", "https://", "https://user@x", "file:///etc"] {
            assert_eq!(checked_endpoint(bad).unwrap_err().code, Code::SettingInvalid, "{bad}");
        }
    }
}
