//! Newer versions of this program: looked for when somebody asks for it, or once a day where that is switched on.

mod daily;
mod image;
mod manager;
mod publisher;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::thread;

use catalog::{FetchOptions, FetchProgress, UpdateSource};
use protocol::chat::{Settings, UpdateState, UpdatesAbout, UpdatesFrom};
use protocol::{Code, Problem};
use store::now_ms;
use tauri::AppHandle;
use tauri::utils::config::BundleType;
use tauri::utils::platform::bundle_type;
use tauri_plugin_updater::{Update, UpdaterExt};

use crate::app::App;
use crate::downloads::share_of;
use crate::watched::Watched;
use publisher::{Place, Publisher};

/// The key that updates of this build are signed with, unless the administrator names another one.
const KEY: Option<&str> = option_env!("TAKI_UPDATE_KEY");

/// Most characters of what is said to be new.
const MOST_NOTES: usize = 4000;

/// What is known of a newer version, and what is done with it.
pub(crate) struct Updates {
    pub(crate) state: Watched<UpdateState>,
    /// What was found, and where.
    found: Mutex<Option<(Publisher, Update)>>,
    /// One thing at a time.
    at_work: Mutex<()>,
    stop: AtomicBool,
    /// What was found is to be forgotten: it is looked for elsewhere now.
    forgotten: AtomicBool,
    /// The program is to start anew when it ends.
    restarting: AtomicBool,
}

impl Default for Updates {
    fn default() -> Self {
        Self {
            state: Watched::new(UpdateState::Unknown),
            found: Mutex::default(),
            at_work: Mutex::default(),
            stop: AtomicBool::new(false),
            forgotten: AtomicBool::new(false),
            restarting: AtomicBool::new(false),
        }
    }
}

impl Updates {
    fn found(&self) -> MutexGuard<'_, Option<(Publisher, Update)>> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends what comes in.
    pub(crate) fn stop(&self) {
        self.stop.store(true, Ordering::Release);
    }

    /// Forgets what was found, and ends what is done with it: it is looked for elsewhere now.
    pub(crate) fn forget(&self) {
        self.forgotten.store(true, Ordering::Release);
        self.stop();
        // Whoever is at work does it at the end.
        if let Some(_idle) = self.begin() {
            self.tidy();
        }
    }

    /// The right to do something; None while something is done.
    fn begin(&self) -> Option<MutexGuard<'_, ()>> {
        match self.at_work.try_lock() {
            Ok(held) => Some(held),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }

    /// Does what a [`forget`](Self::forget) wanted, if there was one.
    fn tidy(&self) {
        if !self.forgotten.swap(false, Ordering::AcqRel) {
            return;
        }
        *self.found() = None;
        self.state.change(|now| (!is_in_place(now)).then_some(UpdateState::Unknown));
    }

    /// The end of the program is followed by a start.
    pub(crate) fn restart(&self) {
        self.restarting.store(true, Ordering::Release);
    }

    pub(crate) fn is_restarting(&self) -> bool {
        self.restarting.load(Ordering::Acquire)
    }
}

impl App {
    /// The version that runs, and where newer ones are looked for.
    ///
    /// # Errors
    /// [`Code::SettingInvalid`].
    pub(crate) fn updates_about(&self, handle: &AppHandle) -> Result<UpdatesAbout, Problem> {
        let from = self.publisher()?.map_or_else(|why| why, |publisher| told(&publisher.source));
        Ok(UpdatesAbout { version: handle.package_info().version.to_string(), from })
    }

    /// Who announces newer versions, or why nobody does.
    fn publisher(&self) -> Result<Result<Publisher, UpdatesFrom>, Problem> {
        let source = UpdateSource::parse(&self.settings().updates)?;
        let key = self.disk()?.places.rules.update_key().or(KEY).filter(|key| !key.is_empty());
        let target = kind().zip(tauri_plugin_updater::target()).map(|(kind, system)| format!("{system}-{kind}"));
        Ok(match (source, target, key) {
            (Some(UpdateSource::Off), ..) => Err(UpdatesFrom::Off),
            (_, None, _) => Err(UpdatesFrom::NoPackage),
            (None, ..) => Err(UpdatesFrom::Nowhere),
            (_, _, None) => Err(UpdatesFrom::NoKey),
            (Some(source), Some(target), Some(key)) => Ok(Publisher { source, key: key.to_owned(), target }),
        })
    }

    /// Through the proxy of the settings; a token is for models.
    fn update_options(&self) -> Result<FetchOptions, Problem> {
        let settings = Settings { proxy: self.settings().proxy.clone(), ..Settings::default() };
        Ok(FetchOptions { token: None, ..FetchOptions::with(&settings, "", &self.locked())? })
    }

    /// Looks where newer versions are announced. What comes of it is told by the state.
    ///
    /// # Errors
    /// [`Code::SettingInvalid`].
    pub(crate) fn look_for_update(self: &Arc<Self>, handle: &AppHandle) -> Result<(), Problem> {
        let Some(_one_at_a_time) = self.updates.begin() else { return Ok(()) };
        // Before the settings are read: what changes from now on is meant for this look.
        self.updates.forgotten.store(false, Ordering::Release);
        self.updates.stop.store(false, Ordering::Release);
        let Ok(publisher) = self.publisher()? else { return Ok(()) };
        let options = self.update_options()?;
        self.updates.state.set(UpdateState::Looking);
        let (app, ending) = (Arc::clone(self), handle.clone());
        // On Windows whoever installs ends this program.
        let builder = handle.updater_builder().on_before_exit(move || {
            app.end();
            ending.cleanup_before_exit();
        });
        let looked = publisher.look(builder, &options, &self.updates.stop);
        if let Err(problem) = store::keep_look(&self.disk()?.places, now_ms()) {
            tracing::debug!(%problem, "when updates were looked for could not be kept");
        }
        let (state, found) = match looked {
            Ok(Some(update)) => (state_of(&update), Some((publisher, update))),
            Ok(None) => (UpdateState::Latest, None),
            Err(problem) if problem.code == Code::Cancelled => (UpdateState::Unknown, None),
            Err(problem) => (UpdateState::Failed { problem }, None),
        };
        *self.updates.found() = found;
        self.updates.state.set(state);
        self.updates.tidy();
        Ok(())
    }

    /// Removes what an update that was killed has left.
    pub(crate) fn clear_updates() {
        if let Some(image) = image() {
            image::clear(&image);
        }
    }

    /// Looks for newer versions once a day, from now on and as long as the program runs, while that is switched on.
    pub(crate) fn look_daily(self: &Arc<Self>, handle: &AppHandle) {
        let (app, handle) = (Arc::clone(self), handle.clone());
        thread::spawn(move || {
            let look = || {
                if let Err(problem) = app.look_for_update(&handle) {
                    tracing::warn!(code = %problem.code, "updates could not be looked for");
                }
            };
            let pause = || {
                thread::sleep(daily::PAUSE);
                !app.is_leaving()
            };
            daily::keep_looking(now_ms, |now| app.is_look_due(now), look, pause);
        });
    }

    /// Whether a look that nobody asks for is due. Not while an update waits for the next start: what was said of it would be gone.
    fn is_look_due(&self, now_ms: f64) -> bool {
        let is_wanted = self.settings().updates_daily;
        let is_over = is_in_place(&self.updates.state.now());
        is_wanted && !is_over && self.disk().is_ok_and(|disk| store::is_look_due(&disk.places, now_ms))
    }

    /// Fetches what was found, checks it and puts it in place. What comes of it is told by the state.
    ///
    /// # Errors
    /// [`Code::SettingInvalid`].
    pub(crate) fn install_update(&self) -> Result<(), Problem> {
        let Some(_one_at_a_time) = self.updates.begin() else { return Ok(()) };
        self.updates.stop.store(false, Ordering::Release);
        self.updates.tidy();
        let Some((publisher, update)) = self.updates.found().clone() else { return Ok(()) };
        let options = self.update_options()?;
        let (state, version) = (&self.updates.state, &update.version);
        state.set(UpdateState::Fetching { version: version.clone(), progress: None });
        let mut on = |progress: FetchProgress| {
            state.set(UpdateState::Fetching { version: version.clone(), progress: Some(share_of(&progress)) });
        };
        let installed = publisher.package(&update, &options, &self.updates.stop, &mut on).and_then(|package| {
            // The last moment: whoever moved the source meanwhile did not mean this one.
            if self.updates.forgotten.load(Ordering::Acquire) {
                return Err(Problem::new(Code::Cancelled));
            }
            state.set(UpdateState::Installing { version: version.clone() });
            package.install(&place())
        });
        state.set(match installed {
            Ok(()) => UpdateState::Installed { version: version.clone() },
            Err(problem) if problem.code == Code::Cancelled => state_of(&update),
            Err(problem) => UpdateState::Failed { problem },
        });
        self.updates.tidy();
        Ok(())
    }
}

/// Whether a newer version is in place, and runs from the next start on.
fn is_in_place(state: &UpdateState) -> bool {
    matches!(state, UpdateState::Installed { .. })
}

fn state_of(update: &Update) -> UpdateState {
    let notes = update.body.iter().flat_map(|notes| notes.chars()).take(MOST_NOTES).collect();
    UpdateState::Found { version: update.version.clone(), notes }
}

fn told(source: &UpdateSource) -> UpdatesFrom {
    match source {
        UpdateSource::Off => UpdatesFrom::Off,
        UpdateSource::Folder(folder) => UpdatesFrom::Folder { path: folder.display().to_string() },
        UpdateSource::Address(list) => UpdatesFrom::Address { address: list.to_string() },
    }
}

/// The kind of package that this program was installed from; None if it was built here.
fn kind() -> Option<&'static str> {
    match bundle_type()? {
        BundleType::Deb => Some("deb"),
        BundleType::Rpm => Some("rpm"),
        // One that was unpacked is no file that could be replaced.
        BundleType::AppImage => image().map(|_| "appimage"),
        BundleType::Msi => Some("msi"),
        BundleType::Nsis => Some("nsis"),
        BundleType::App => Some("app"),
        BundleType::Dmg => None,
    }
}

/// Where a package of that kind goes.
fn place() -> Place {
    match bundle_type() {
        Some(BundleType::Deb) => Place::Manager(manager::DEB),
        Some(BundleType::Rpm) => Place::Manager(manager::RPM),
        _ => image().map_or(Place::Own, Place::Image),
    }
}

/// The file of the `AppImage` that runs, if it is one. A program that was started by another one has that one's variables too: this one has to lie
/// where its image is mounted.
fn image() -> Option<PathBuf> {
    let is_image = matches!(bundle_type(), Some(BundleType::AppImage));
    let mounted = std::env::var_os("APPDIR").map(PathBuf::from)?.canonicalize().ok()?;
    let here = std::env::current_exe().ok()?.starts_with(mounted);
    std::env::var_os("APPIMAGE").filter(|_| is_image && here).map(PathBuf::from)
}
