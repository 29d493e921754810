//! Who announces newer versions, and whether what comes from there is what they signed.

use std::path::PathBuf;
use std::sync::atomic::AtomicBool;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use catalog::{FetchOptions, FetchProgress, UpdateSource};
use minisign_verify::PublicKey;
use protocol::{Code, Problem};
use serde_json::Value;
use tauri::Url;
use tauri_plugin_updater::{Error, Update, UpdaterBuilder};

use super::image;
use super::manager::Manager;

/// Has to be named, and is never asked: only `catalog` opens connections.
const NOWHERE: &str = "https://updates.invalid";

/// Whoever announces newer versions, and how it is known that they come from there.
#[derive(Debug, Clone)]
pub(crate) struct Publisher {
    pub(crate) source: UpdateSource,
    /// What they have to be signed with: the file of a public key, in base64.
    pub(crate) key: String,
    /// What the list calls packages of the kind that is installed here: `linux-x86_64-deb`.
    pub(crate) target: String,
}

impl Publisher {
    /// What is announced, if it is newer than what runs. Nothing of that is signed yet: only its [package](Self::package) is.
    ///
    /// # Errors
    /// [`Code::UpdateSourceFailed`], [`Code::UpdateRefused`], [`Code::Cancelled`].
    pub(crate) fn look(
        &self,
        builder: UpdaterBuilder,
        options: &FetchOptions,
        stop: &AtomicBool,
    ) -> Result<Option<Update>, Problem> {
        if !is_key(&self.key) {
            return Err(refuse("the key that updates are checked with cannot be read"));
        }
        let announced = self.source.announced(options, stop)?;
        let unclear = |_| refuse("the list of updates cannot be understood");
        let list = self.with_addresses(serde_json::from_slice(&announced).map_err(unclear)?);
        let builder = builder.pubkey(self.key.trim()).target(&self.target);
        let nowhere = Url::parse(NOWHERE).map_err(Error::from);
        let updater = nowhere.and_then(|nowhere| builder.endpoints(vec![nowhere])).and_then(UpdaterBuilder::build);
        // What is restored has to be signed together with its version: an old package does not pass as a newer one.
        updater.and_then(|updater| updater.restore_update(list)).map_err(|error| refused(&error))
    }

    /// The list with whole addresses: it may name packages that lie beside it, wherever that is.
    fn with_addresses(&self, mut list: Value) -> Value {
        let packages = list.get_mut("platforms").and_then(Value::as_object_mut);
        for package in packages.into_iter().flat_map(|packages| packages.values_mut()) {
            if let Some(at) = package["url"].as_str().and_then(|named| self.source.resolve(named)) {
                package["url"] = at.as_str().into();
            }
        }
        list
    }

    /// Fetches the package of `update`: all of it, signed with the key and as the very version that was announced.
    ///
    /// # Errors
    /// As [`look`](Self::look).
    pub(crate) fn package<'a>(
        &self,
        update: &'a Update,
        options: &FetchOptions,
        stop: &AtomicBool,
        on: &mut dyn FnMut(FetchProgress),
    ) -> Result<Package<'a>, Problem> {
        let bytes = self.source.package(&update.download_url, options, stop, on)?;
        update.verify(&bytes).map_err(|error| refused(&error))?;
        Ok(Package { update, bytes })
    }
}

/// Where a package goes.
#[derive(Debug)]
pub(crate) enum Place {
    /// The file of an `AppImage`.
    Image(PathBuf),
    /// Among the system's own packages.
    Manager(Manager),
    /// Where its own installer, or the plugin, puts it.
    Own,
}

/// A package whose signature and version are right.
pub(crate) struct Package<'a> {
    update: &'a Update,
    bytes: Vec<u8>,
}

impl Package<'_> {
    /// Puts it in the place of what is installed.
    ///
    /// # Errors
    /// [`Code::UpdateNotInstalled`]: what was installed still is. [`Code::Cancelled`]: nobody gave the password.
    pub(crate) fn install(&self, place: &Place) -> Result<(), Problem> {
        let failed = |error: &dyn std::fmt::Display| Problem::new(Code::UpdateNotInstalled).with("reason", error);
        match place {
            // The plugin moves the old one away first: killed in the middle it would leave neither.
            Place::Image(image) => image::replace(image, &self.bytes).map_err(|error| failed(&error)),
            // The plugin would ask whoever said no to the system once more, in a window of its own, and then in the terminal.
            Place::Manager(manager) => manager.install(&self.bytes),
            Place::Own => self.update.install(&self.bytes).map_err(|error| failed(&error)),
        }
    }
}

fn is_key(key: &str) -> bool {
    let text = BASE64_STANDARD.decode(key.trim()).ok().and_then(|text| String::from_utf8(text).ok());
    text.is_some_and(|text| PublicKey::decode(&text).is_ok())
}

fn refuse(reason: &str) -> Problem {
    Problem::new(Code::UpdateRefused).with("reason", reason)
}

fn refused(error: &Error) -> Problem {
    match error {
        Error::SignedVersionMismatch { signed, announced } => {
            refuse(&format!("it is announced as version {announced} but was signed as version {signed}"))
        }
        Error::MissingSignedVersion => refuse("its signature does not say which version it is"),
        Error::Minisign(_) | Error::Base64(_) | Error::SignatureUtf8(_) => {
            refuse("its signature is not that of the key it has to be signed with, or it was changed on the way")
        }
        Error::TargetNotFound(target) => refuse(&format!("there is no package for {target} in the list")),
        Error::Serialization(_) | Error::Semver(_) => refuse("the list of updates cannot be understood"),
        error => refuse(&error.to_string()),
    }
}
