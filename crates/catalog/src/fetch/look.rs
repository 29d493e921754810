//! A look at a model before it is downloaded.

use std::io::{self, BufReader, ErrorKind, Read, Seek, SeekFrom};

use protocol::{Code, Problem};
use ureq::http::{Method, StatusCode};
use url::Url;

use super::FetchOptions;
use super::asking::{agent, in_words, is_own, is_page, not_given, range, send};
use crate::address::pages;
use crate::header::{Header, check};

/// Longest header that is waited for, in bytes: the largest vocabularies take a tenth of it.
const LONGEST: u64 = 256 << 20;

const PAGE_THERE: &str = "a web page is there and no model file, or this network wants a login in the browser first";

/// Reads and checks the header of the GGUF file at an `address` that begins with `https://`, or with `http://` on this
/// computer. Of the file no more is received than that. The address of a file's page at Hugging Face, or the mirror of the options, will do too.
///
/// # Errors
/// [`Code::AddressUnusable`]: no such address. [`Code::LookUpFailed`]: nothing comes from there. [`Code::NotThere`], [`Code::AccessRefused`]. Those of
/// [`check_header`](crate::check_header).
pub fn look(address: &str, options: &FetchOptions) -> Result<Header, Problem> {
    if !address.starts_with("https://") && !is_own(address) {
        let unusable = Problem::new(Code::AddressUnusable).with("address", address);
        return Err(unusable.with("reason", "an address must start with https://"));
    }
    let failed = |reason: String| Problem::new(Code::LookUpFailed).with("name", address).with("reason", reason);
    // Others may have files at addresses like that of a page.
    let of_page =
        pages(&options.endpoint).any(|page| Url::parse(address).is_ok_and(|url| url.origin() == page.origin()));
    let file = if of_page { address.replacen("/blob/", "/resolve/", 1) } else { address.to_owned() };
    // From the start to the end: whoever gives parts also tells how long the whole is.
    let everything = [("Range", "bytes=0-".to_owned())];
    let answer =
        agent(address, options).and_then(|agent| send(&agent, &Method::GET, &file, &everything, options, &|_, _| true));
    let answer = answer.map_err(|error| failed(in_words(&error, options)))?;
    let response = &answer.response;
    let bytes = match response.status() {
        StatusCode::OK => response.body().content_length(),
        StatusCode::PARTIAL_CONTENT => match range(response.headers()) {
            Some((0, total)) => total,
            _ => return Err(failed("the server sent another piece than it was asked for".to_owned())),
        },
        // Even the first byte lies behind its end.
        StatusCode::RANGE_NOT_SATISFIABLE => Some(0),
        _ => return Err(not_given(address, &answer, options)),
    };
    let is_page = is_page(response.headers());
    let bytes = bytes.ok_or_else(|| failed("the server does not tell how large the file is".to_owned()))?;
    let body = Forward(answer.response.into_body().into_reader().take(LONGEST));
    check(BufReader::with_capacity(1 << 16, body), bytes, &address).map_err(|problem| match problem.code {
        // What was not received is not missing there.
        Code::ModelTruncated | Code::ModelUnreadable => {
            let reason = problem.details.get("reason").cloned();
            failed(reason.unwrap_or_else(|| "the connection ended early, or the file there is cut off".to_owned()))
        }
        Code::NotGguf if is_page => failed(PAGE_THERE.to_owned()),
        _ => problem,
    })
}

/// What can only be read on: a step forward reads what it steps over.
struct Forward<R>(R);

impl<R: Read> Read for Forward<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.0.read(into)
    }
}

impl<R: Read> Seek for Forward<R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let SeekFrom::Current(step) = to else { return Err(ErrorKind::Unsupported.into()) };
        let step = u64::try_from(step).map_err(|_| io::Error::from(ErrorKind::Unsupported))?;
        let stepped = io::copy(&mut (&mut self.0).take(step), &mut io::sink())?;
        if stepped == step { Ok(0) } else { Err(ErrorKind::UnexpectedEof.into()) }
    }
}
