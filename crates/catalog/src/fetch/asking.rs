//! Requests over HTTP: through which proxy, with which token, and what the answers mean in words.

use std::io::{self, ErrorKind};

use protocol::{Code, Problem};
use ureq::http::{HeaderMap, Method, Request, Response, StatusCode, Uri, header};
use ureq::tls::{RootCerts, TlsConfig};
use ureq::{Agent, Body, Error, Proxy};
use url::{Host, Url};

use crate::fetch::{FetchOptions, Token};

/// Most addresses that a server may send us on to.
const MOST_REDIRECTS: usize = 10;

/// What asks `address` for files.
///
/// # Errors
/// The proxy of the options is no address.
pub(super) fn agent(address: &str, options: &FetchOptions) -> Result<Agent, Error> {
    let mut config = Agent::config_builder()
        .http_status_as_error(false)
        .https_only(address.starts_with("https://"))
        // Followed here: only here it is known whom the token is for.
        .max_redirects(0)
        // The system's certificates: offices often inspect traffic with one of their own.
        .tls_config(TlsConfig::builder().root_certs(RootCerts::PlatformVerifier).build())
        .user_agent(concat!("taki/", env!("CARGO_PKG_VERSION")))
        .accept_encoding("identity")
        .max_idle_connections_per_host(options.connections.max(1))
        .timeout_resolve(Some(options.connect_timeout))
        .timeout_connect(Some(options.connect_timeout))
        .timeout_recv_response(Some(options.stall_timeout))
        .timeout_per_read(Some(options.stall_timeout));
    if is_own(address) || (options.own_proxy_only && options.proxy.is_none()) {
        config = config.proxy(None);
    } else if let Some(proxy) = &options.proxy {
        config = config.proxy(Some(Proxy::new(proxy)?));
    }
    Ok(config.build().new_agent())
}

/// Whether nobody on the way can change what comes from `address`.
pub(crate) fn is_safe(address: &str) -> bool {
    address.starts_with("https://") || is_own(address)
}

/// Whether `address` is on this computer.
pub(crate) fn is_own(address: &str) -> bool {
    // Read as a whole: in http://127.0.0.1:80@elsewhere/ this computer is only a name to log in with.
    let Ok(url) = Url::parse(address) else { return false };
    let own = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    own && url.scheme() == "http" && url.username().is_empty() && url.password().is_none()
}

/// Whether the token may go to `url`: to the host that it is for, where nobody on the way can read it.
fn is_for(url: &Url, options: &FetchOptions) -> bool {
    let endpoint = Url::parse(&options.endpoint);
    let protected = url.scheme() == "https" || is_own(url.as_str());
    protected && endpoint.is_ok_and(|endpoint| endpoint.origin() == url.origin())
}

/// An answer, and the address that it came from in the end.
pub(super) struct Answer {
    pub(super) response: Response<Body>,
    pub(super) url: Url,
}

/// Asks for `url` with these headers and goes where the server sends us, as long as `follow` allows it. The token of the options goes to the
/// host of the endpoint alone.
pub(super) fn send(
    agent: &Agent,
    method: &Method,
    url: &str,
    headers: &[(&str, String)],
    options: &FetchOptions,
    follow: &dyn Fn(&Url, &Url) -> bool,
) -> Result<Answer, Error> {
    let mut url = Url::parse(url).map_err(|error| Error::BadUri(error.to_string()))?;
    for _ in 0..=MOST_REDIRECTS {
        let mut request = Request::builder().method(method).uri(url.as_str());
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        if let Some(token) = options.token.as_ref().filter(|_| is_for(&url, options)).and_then(Token::header) {
            request = request.header(header::AUTHORIZATION, token);
        }
        let response = agent.run(request.body(())?).map_err(|error| of_proxy(agent.config().proxy(), &url, error))?;
        match next(&response, &url)? {
            Some(next) if follow(&url, &next) => url = next,
            _ => return Ok(Answer { response, url }),
        }
    }
    Err(Error::TooManyRedirects)
}

/// What went wrong on the way to `url`; if it went wrong between here and the proxy, that is named: whoever reads it may have forgotten it.
fn of_proxy(proxy: Option<&Proxy>, url: &Url, error: Error) -> Error {
    let is_passed = |proxy: &&Proxy| url.as_str().parse::<Uri>().is_ok_and(|uri| proxy.is_no_proxy(&uri));
    let Some(proxy) = proxy.filter(|proxy| !is_passed(proxy)) else { return error };
    let what = match &error {
        Error::ConnectProxyFailed(reason) if reason.contains(" 407") => "wants a name and a password",
        Error::ConnectProxyFailed(_) => "lets nothing through",
        Error::HostNotFound
        | Error::ConnectionFailed
        | Error::Timeout(ureq::Timeout::Connect | ureq::Timeout::Resolve) => "could not be reached",
        Error::Io(error) if is_unreached(error) => "could not be reached",
        _ => return error,
    };
    let place = if proxy.is_from_env() {
        "it stands in https_proxy, or another variable of the environment like it"
    } else {
        "it stands in the settings"
    };
    Error::Other(format!("the proxy {}:{} {what}: {place}", proxy.host(), proxy.port()).into())
}

/// Whether no connection came about.
fn is_unreached(error: &io::Error) -> bool {
    // A name that cannot be looked up has no kind of its own.
    let no_name = || error.to_string().starts_with("failed to lookup address");
    let kinds = [
        ErrorKind::ConnectionRefused,
        ErrorKind::HostUnreachable,
        ErrorKind::NetworkUnreachable,
        ErrorKind::NetworkDown,
        ErrorKind::AddrNotAvailable,
        ErrorKind::TimedOut,
    ];
    kinds.contains(&error.kind()) || no_name()
}

/// Where a server sends us on to.
fn next(response: &Response<Body>, from: &Url) -> Result<Option<Url>, Error> {
    if !matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
        return Ok(None);
    }
    let location = response.headers().get(header::LOCATION).and_then(|location| location.to_str().ok());
    let bad = || Error::BadUri(location.unwrap_or_default().to_owned());
    let next = location.and_then(|location| from.join(location).ok()).ok_or_else(bad)?;
    if matches!(next.scheme(), "http" | "https") { Ok(Some(next)) } else { Err(bad()) }
}

/// Start and total of a `Content-Range: bytes 5-9/10`; the total may be unknown (`*`).
pub(super) fn range(headers: &HeaderMap) -> Option<(u64, Option<u64>)> {
    let text = headers.get("content-range")?.to_str().ok()?;
    let (span, total) = text.strip_prefix("bytes ")?.split_once('/')?;
    let from = span.split_once('-')?.0.trim().parse().ok()?;
    Some((from, total.trim().parse().ok()))
}

/// The page of the repository that keeps the file at `url` for those who show who they are; None if that is not what was said, or somebody else said
/// it than the repository: a token would not go there.
pub(super) fn closed(status: StatusCode, url: &Url, options: &FetchOptions) -> Option<String> {
    let path = url.path().split("/resolve/").next()?;
    let is_closed = matches!(status.as_u16(), 401 | 403) && is_for(url, options);
    is_closed.then(|| format!("{}{path}", url.origin().ascii_serialization()))
}

/// What is wrong where a server does not give what is called `name`.
pub(super) fn not_given(name: &str, answer: &Answer, options: &FetchOptions) -> Problem {
    let status = answer.response.status();
    let problem = match (closed(status, &answer.url, options), status.as_u16()) {
        (Some(page), _) => Problem::new(Code::AccessRefused).with("page", page),
        (None, 404 | 410) => Problem::new(Code::NotThere),
        (None, _) => Problem::new(Code::LookUpFailed),
    };
    problem.with("name", name).with("reason", refused(status, answer.response.headers(), options))
}

/// What comes in place of a file where somebody on the way wants a login.
pub(super) const PAGE: &str =
    "a web page came in place of the file: this network may want a login in the browser first";

/// Whether that is what came.
pub(super) fn is_page(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    kind.is_some_and(|kind| kind.trim_start().to_ascii_lowercase().starts_with("text/html"))
}

/// Why a server does not give a file, in words.
pub(super) fn refused(status: StatusCode, headers: &HeaderMap, options: &FetchOptions) -> String {
    let gated = headers.get("x-error-code").is_some_and(|code| code == "GatedRepo");
    let words = match (status.as_u16(), &options.token) {
        (401 | 403, Some(_)) if gated => {
            "the server refuses access to the file with this token: the model's page wants its terms accepted by its owner"
        }
        (401 | 403, _) if gated => {
            "the server refuses access to the file: the model's page wants its terms accepted, and then a token"
        }
        (401 | 403, Some(_)) => {
            "the server refuses access to the file with this token: the file may not be there, or the model's page wants its terms \
             accepted by the token's owner"
        }
        (401 | 403, None) => {
            "the server refuses access to the file: it may not be there, or the model's page wants its terms accepted, and then a \
             token"
        }
        (404 | 410, _) => "the file is not there any more",
        (511, _) => "this network wants a login in the browser first",
        (407, _) => "the proxy wants a name and a password",
        (429, _) => "too many requests",
        (408 | 500.., _) => "the server has a problem",
        _ => "the server gave an unexpected answer",
    };
    format!("{words} ({})", status.as_u16())
}

pub(super) fn in_words(error: &Error, options: &FetchOptions) -> String {
    match error {
        Error::HostNotFound => "the server cannot be found".to_owned(),
        Error::Timeout(ureq::Timeout::Connect | ureq::Timeout::Resolve) => {
            format!("no connection within {} s", options.connect_timeout.as_secs_f32())
        }
        Error::Timeout(_) => format!("the server sent nothing for {} s", options.stall_timeout.as_secs_f32()),
        Error::Io(error) if error.kind() == ErrorKind::ConnectionRefused => "the server refuses connections".to_owned(),
        Error::Io(error) if error.kind() == ErrorKind::UnexpectedEof => "the connection ended early".to_owned(),
        Error::InvalidProxyUrl => "the proxy's address makes no sense".to_owned(),
        Error::RequireHttpsOnly(_) => "the server leads to an unprotected address".to_owned(),
        Error::TooManyRedirects => "the server sends us around in circles".to_owned(),
        Error::Other(words) => words.to_string(),
        error => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_and_nonsense_is_not() {
        let read = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert("content-range", text.parse().unwrap());
            range(&headers)
        };
        assert_eq!(read("bytes 5-9/10"), Some((5, Some(10))));
        assert_eq!(read("bytes 5-9/*"), Some((5, None)));
        for nonsense in ["", "bytes", "bytes */10", "items 5-9/10", "bytes x-9/10", "bytes -1-9/10"] {
            assert_eq!(read(nonsense), None, "{nonsense}");
        }
        assert_eq!(range(&HeaderMap::new()), None);
    }

    #[test]
    fn the_token_goes_to_its_own_host_alone_and_never_in_the_clear() {
        let goes = |endpoint: &str, url: &str| {
            let token = Token::parse("HF_TOKEN", "hf_secret").unwrap();
            let options = FetchOptions { endpoint: endpoint.into(), token, ..FetchOptions::default() };
            is_for(&Url::parse(url).unwrap(), &options)
        };
        let usual = "https://huggingface.co";
        assert!(goes(usual, "https://huggingface.co/a/b/resolve/main/c.gguf"));
        assert!(goes(usual, "https://HUGGINGFACE.co:443/a"));
        assert!(goes("http://127.0.0.1:99", "http://127.0.0.1:99/a"));
        for other in [
            "http://huggingface.co/a",
            "https://huggingface.co:8443/a",
            "https://cdn.huggingface.co/a",
            "https://huggingface.co.evil.example/a",
            "https://huggingface.co@evil.example/a",
            "https://evil.example/huggingface.co",
        ] {
            assert!(!goes(usual, other), "{other}");
        }
        assert!(!goes("http://127.0.0.1:99", "http://127.0.0.1:98/a"), "another program of this computer");
        assert!(!goes("http://mirror.example", "http://mirror.example/a"), "readable on the way");
    }
}
