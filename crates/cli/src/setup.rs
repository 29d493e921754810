//! What most commands need first.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use catalog::{
    Catalog, FetchOptions, FetchProgress, Lists, Machine, ModelStore, Recipes, SourceChoice, resolve, target_place,
    with_drafts,
};
use engine::{Engine, Launch};
use protocol::chat::{LadderCard, Settings, UiLanguage};
use protocol::ladder::{CacheType, EngineSettings, Ladder};
use protocol::learned::Learned;
use protocol::worker::{Loaded, Placed, Translation};
use protocol::{Language, Problem, bytes_in_words};
use store::{LearnedFolder, Places, Rules};

use crate::args::{Fixed, Running, drafters};
use crate::earlier::EarlierChats;
use crate::interrupt::{self, stoppable};
use crate::output::Output;

/// Folders, catalogue and model files.
pub(crate) struct Setup {
    pub(crate) places: Places,
    pub(crate) catalog: Catalog,
    pub(crate) models: ModelStore,
    pub(crate) recipes: Recipes,
    /// Where files may come from.
    source: SourceChoice,
    /// What is wrong with ladders and models of one's own that cannot be read.
    unread: Vec<Problem>,
}

/// The language of what is printed: the one that the administrator has laid down, or the system's.
pub(crate) fn language(rules: &Rules) -> Language {
    let laid_down = rules.lock("language");
    match rules.apply(Settings::default()).language {
        UiLanguage::En if laid_down => Language::English,
        UiLanguage::Ja if laid_down => Language::Japanese,
        _ => Language::of_system(),
    }
}

impl Setup {
    pub(crate) fn new() -> Result<Self, Problem> {
        let places = Places::find()?;
        let models = ModelStore::open(places.models.clone())?;
        let recipes = Recipes::of(places.ladders());
        let (catalog, unread) = Catalog::here(&models, &recipes, places.rules.ladders());
        // What is wrong with it is said when something is to be fetched.
        let source =
            SourceChoice::chosen(&store::peek_settings(&places).source, &places.rules.locked()).unwrap_or_default();
        Ok(Self { places, catalog, models, recipes, source, unread })
    }

    /// How things are fetched, as environment, settings and keyring have it.
    pub(crate) fn fetch_options(&self) -> Result<FetchOptions, Problem> {
        let settings = store::peek_settings(&self.places);
        // A keyring that cannot be used keeps nobody from what is open to all.
        let token = store::token().unwrap_or_default();
        FetchOptions::with(&settings, token.as_deref().unwrap_or_default(), &self.places.rules.locked())
    }

    /// Whether there is a ladder or model of this name, known or offered.
    ///
    /// # Errors
    /// [`Code::NoSuchModel`](protocol::Code::NoSuchModel).
    pub(crate) fn knows(&self, name: &str) -> Result<(), Problem> {
        if self.catalog.offers_named(name) { Ok(()) } else { self.catalog.models_named(name).map(|_| ()) }
    }

    /// Makes an offered ladder or model a known one: its files' facts are asked for where they lie. Of any other ladder those drafts are left out that are not here and
    /// never go with its target. `on` is told how far the reading of files in a folder is.
    pub(crate) fn settle(
        &mut self,
        name: &str,
        output: &Output,
        on: &mut dyn FnMut(FetchProgress),
    ) -> Result<(), Problem> {
        let is_ladder = self.catalog.ladder(name).is_ok();
        if !is_ladder && (self.catalog.models_named(name).is_ok() || !self.catalog.offers_named(name)) {
            return Ok(());
        }
        let options = self.fetch_options()?;
        let cancel = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&cancel);
        let stop = move || flag.store(true, Ordering::Release);
        let told = |problem: &Problem| {
            output.note(output.either(
                "One of its models is left out and not downloaded:",
                "下書きモデルのうち一つは使わず、ダウンロードもしません：",
            ));
            output.warning(problem);
        };
        if is_ladder {
            output.progress(output.either(
                format_args!("Asking whether the files of {name} go together …"),
                format_args!("{name} のファイルが互いに合うかどうかを問い合わせています…"),
            ));
            let misfits = stoppable(stop, || catalog::misfits(&self.catalog, &self.models, name, &options, &cancel));
            output.progress_done();
            let misfits = misfits?;
            if !misfits.is_empty() {
                for misfit in &misfits {
                    told(&misfit.problem);
                }
                self.models.leave_out(&self.recipes, name, &misfits)?;
                self.read_own();
            }
            return Ok(());
        }
        output.note(output.either(
            format_args!(
                "Asking where the files of {name} are kept how large they are, and whether they go together …"
            ),
            format_args!("{name} のファイルのサイズと、互いに合うかどうかを配布元に問い合わせています…"),
        ));
        let settled = stoppable(stop, || catalog::settle(&self.catalog, &self.models, name, &options, &cancel, on));
        output.progress_done();
        let settled = settled?;
        settled.left_out.iter().for_each(told);
        self.recipes.settle(&settled.recipe)?;
        self.read_own();
        Ok(())
    }

    /// Makes what `address` leads to a ladder of its own, if there is none of it yet. Gives its id.
    ///
    /// # Errors
    /// Those of [`catalog::settle_at`] and [`Recipes::add_once`].
    pub(crate) fn settle_at(&mut self, address: &str, output: &Output) -> Result<String, Problem> {
        self.catalog.open_to_others()?;
        output.note(output.either("Asking the repository what lies there …", "リポジトリに問い合わせています…"));
        let options = self.fetch_options()?;
        let cancel = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&cancel);
        let stop = move || flag.store(true, Ordering::Release);
        let recipe = stoppable(stop, || catalog::settle_at(&self.catalog, &self.models, address, &options, &cancel))?;
        let kept = self.recipes.add_once(&recipe)?;
        self.read_own();
        let size = bytes_in_words(kept.models.iter().map(|model| model.bytes).sum());
        let (id, name) = (&kept.id, &kept.name);
        output.note(output.either(
            format_args!("{name} ({size}) is in the list of ladders as {id}."),
            format_args!("{name}（{size}）を {id} として組み合わせの一覧に載せました。"),
        ));
        Ok(kept.id)
    }

    /// Reads what is the user's own anew: it has changed.
    pub(crate) fn read_own(&mut self) {
        (self.catalog, self.unread) = Catalog::here(&self.models, &self.recipes, self.places.rules.ladders());
    }

    /// What lists are made of, with ladders run as the settings have chats run.
    pub(crate) fn lists(&self) -> Lists<'_> {
        let Settings { exact, context, cache, .. } = store::peek_settings(&self.places);
        Lists {
            catalog: &self.catalog,
            store: &self.models,
            recipes: &self.recipes,
            context,
            // Exact mode knows 16 bits only.
            cache: if exact { CacheType::F16 } else { cache },
            source: &self.source,
        }
    }

    /// Bytes that graphics cards, and other computers that compute along, have free. An engine is asked, and ended, unless the settings or the
    /// administrator's rules leave everything to the processor.
    pub(crate) fn device_memory(&self) -> u64 {
        let settings = store::peek_settings(&self.places);
        let Settings { exact, gpu_layers, .. } = settings;
        if !(EngineSettings { exact, gpu_layers, ..EngineSettings::default() }).uses_devices() {
            return 0;
        }
        // A list is of use all the same.
        let Ok(launch) = Launch::this_program() else { return 0 };
        let engine = Engine::new(launch);
        engine.compute_with(self.places.rules.workers(&settings));
        let bytes = engine.begin().map_or(0, |mut call| call.device_memory());
        engine.stop();
        bytes
    }

    /// Whether other computers are named that could compute along.
    pub(crate) fn borrows(&self) -> bool {
        !store::peek_settings(&self.places).workers.is_empty()
    }

    /// Every ladder of `catalog`, with what a trial here found of it, where graphics cards have so many bytes free.
    pub(crate) fn cards_of(&self, catalog: &Catalog, cards: u64) -> Result<Vec<LadderCard>, Problem> {
        let reads = engine::bytes_a_second(&self.learned().all(), &|ladder| catalog.is_dense(ladder));
        let japanese = language(&self.places.rules) == Language::Japanese;
        let machine = Machine { memory: engine::memory_of_this_computer(), cards, reads, japanese };
        Lists { catalog, ..self.lists() }.ladders(machine, &store::checked(&self.places))
    }

    /// Tells what is not in the lists because it cannot be read.
    pub(crate) fn tell_unread(&self, output: &Output) {
        self.unread.iter().for_each(|problem| output.warning(problem));
    }

    /// The ladder's id: what was asked for, or what is chosen in the window.
    pub(crate) fn chosen(&self, asked: Option<&str>, output: &Output) -> String {
        if let Some(id) = asked {
            return self.called(id);
        }
        let settings = settings(&self.places, output);
        // It may have been removed, or come from another computer.
        if let Err(problem) = target_place(&self.catalog, &self.models, &settings.ladder) {
            output.warning(&problem);
            return Settings::default().ladder;
        }
        settings.ladder
    }

    /// Earlier chats to copy from, if they are wanted here and in the window.
    pub(crate) fn earlier(&self, wanted: bool, output: &Output) -> EarlierChats {
        let wanted = wanted && settings(&self.places, output).earlier_chats;
        let (chats, problem) = EarlierChats::of(&self.places, wanted);
        if let Some(problem) = problem {
            output.warning(&problem);
        }
        chats
    }

    /// What was learned of ladders.
    pub(crate) fn learned(&self) -> LearnedFolder {
        LearnedFolder::of(&self.places)
    }

    /// The table of a ladder, if there is one, whether or not its models are here.
    pub(crate) fn table(&self, id: &str) -> Result<Option<PathBuf>, Problem> {
        let place = target_place(&self.catalog, &self.models, id)?;
        Ok(place.and_then(|target| self.models.table_of(&target)))
    }

    pub(crate) fn ladder(&self, id: &str) -> Result<Ladder, Problem> {
        resolve(&self.catalog, &self.models, id)
    }

    /// The ladder with this id, with the drafts that were asked for.
    pub(crate) fn ladder_as(&self, id: &str, running: &Running) -> Result<Ladder, Problem> {
        let ladder = with_drafts(self.ladder(id)?, &running.draft)?;
        Ok(Ladder { by_text: ladder.by_text || running.by_text, ..ladder })
    }

    /// The same with the K matrix that was asked for.
    pub(crate) fn ladder_fixed(&self, id: &str, running: &Running, fixed: &Fixed) -> Result<Ladder, Problem> {
        let ladder = self.ladder_as(id, running)?;
        let k = fixed.k(&drafters(ladder.rungs.iter().map(|rung| rung.name.as_str()), ladder.max_gram))?;
        Ok(Ladder { k: k.unwrap_or(ladder.k), ..ladder })
    }
}

/// The window's settings; what is wrong with them is told.
pub(crate) fn settings(places: &Places, output: &Output) -> Settings {
    let (settings, notices) = store::load_settings(places);
    for notice in &notices {
        output.warning(notice);
    }
    settings
}

/// An engine with `ladder` loaded, measured anew.
pub(crate) fn engine(ladder: &Ladder, settings: EngineSettings, output: &Output) -> Result<(Engine, Loaded), Problem> {
    engine_knowing(ladder, settings, None, output)
}

/// An engine with `ladder` loaded and what was learned of it before.
pub(crate) fn engine_knowing(
    ladder: &Ladder,
    settings: EngineSettings,
    known: Option<Learned>,
    output: &Output,
) -> Result<(Engine, Loaded), Problem> {
    let uses = known.as_ref().map(engine::uses).unwrap_or_default();
    let places = Places::find()?;
    let chosen = self::settings(&places, output);
    let engine = Engine::new(Launch::this_program()?);
    engine.compute_with(places.rules.workers(&chosen));
    let stop = engine.clone();
    let load = || {
        let mut call = engine.begin()?;
        // A stop that came before this call was not for it.
        interrupt::go_on()?;
        // What a card could hold is not refused for want of the processor's memory; what really fits, the engine sees.
        let cards = if settings.uses_devices() { call.device_memory() } else { 0 };
        let free = engine::free_memory().map(|free| free.saturating_add(cards));
        let (ladder, left_out) = catalog::to_fit(ladder.clone(), settings, free, &uses)?;
        // What was learned of the whole ladder says nothing of a shorter one.
        let known = known.filter(|_| left_out.is_empty());
        let mut loaded = call.load(&ladder, settings, known, &mut |progress| {
            let (rung, percent) = (&progress.rung, progress.fraction * 100.0);
            output.progress(output.either(
                format_args!("Loading {rung} … {percent:.0}%"),
                format_args!("{rung} を読み込んでいます… {percent:.0}%"),
            ));
        })?;
        loaded.left_out.extend(left_out);
        Ok(loaded)
    };
    let result: Result<Loaded, Problem> = stoppable(move || stop.cancel(), load);
    output.progress_done();
    let loaded = result?;
    // Too late for the load, but meant all the same.
    interrupt::go_on()?;
    if let Some(asked) = settings.context.filter(|asked| *asked > loaded.context) {
        let context = loaded.context;
        output.note(output.either(
            format_args!("This model holds {context} tokens of context, not {asked}."),
            format_args!("このモデルが扱える会話の長さは、{asked} ではなく {context} トークンです。"),
        ));
    }
    for translated in &loaded.translated {
        output.note(in_words(&translated.rung, translated.how, output));
    }
    for placed in loaded.placed.iter().filter(|placed| placed.layers > 0) {
        output.note(where_it_is(placed, output));
    }
    if settings.drafts_on_processor && !loaded.drafts_ahead {
        output.note(output.either(
            "Nothing is drafted ahead: target and draft do not compute on different devices.",
            "回答するモデルと下書きモデルが別の装置で動いていないため、先の下書きはしません。",
        ));
    }
    if loaded.drafts_ahead {
        output.note(output.either(
            "The largest draft has a device of its own: it drafts ahead while the target looks.",
            "いちばん大きな下書きモデルは別の装置で動くため、回答するモデルが確かめている間に先を下書きします。",
        ));
    }
    if settings.gpu_layers.is_some_and(|layers| layers > 0) && loaded.placed.iter().all(|placed| placed.layers == 0) {
        output.note(if settings.exact {
            output.either(
                "Exact mode computes with the processor alone.",
                "厳密モードでは、プロセッサーだけで計算します。",
            )
        } else {
            output.either(
                "There is nothing but the processor that could take layers, or no room for them: see `taki doctor`.",
                "層を受け持てる装置がプロセッサーのほかにないか、空きが足りません。「taki doctor」で確認できます。",
            )
        });
    }
    for left in &loaded.left_out {
        output.warning(&left.problem);
    }
    Ok((engine, loaded))
}

/// On which devices a model is.
fn where_it_is(placed: &Placed, output: &Output) -> String {
    let devices = output.joined(&placed.devices);
    let Placed { rung, layers, of, .. } = placed;
    match of - layers {
        0 => output.either(format!("{rung}: on {devices}"), format!("{rung}：モデル全体が {devices} に載っています")),
        left => output.either(
            format!("{rung}: {layers} of {of} layers on {devices}, {left} with the processor"),
            format!("{rung}：{of} 層のうち {layers} 層を {devices} で、{left} 層をプロセッサーで計算します"),
        ),
    }
}

/// How the draft `name` drafts for a target whose tokens are not quite its own.
pub(crate) fn in_words(name: &str, how: Translation, output: &Output) -> String {
    match how {
        Translation::Nearly => output.either(
            format!("{name}: all but a few of its tokens are the target's; it drafts as others do."),
            format!("{name}：単語の区切り方が回答するモデルとほぼ同じなので、通常どおり下書きします。"),
        ),
        Translation::ByText => output.either(
            format!("{name}: its tokens are others than the target's; it drafts by text, which is slower."),
            format!("{name}：単語の区切り方が回答するモデルと違うため、文章を介して下書きします（遅くなります）。"),
        ),
    }
}
