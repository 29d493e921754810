//! Ladders and models as the window lists them.

use catalog::{Catalog, Lists, Machine, SourceChoice};
use protocol::chat::{LadderCard, Settings, UiLanguage};
use protocol::ladder::CacheType;
use protocol::{Language, Problem};

use crate::app::Disk;

impl Disk {
    /// What lists are made of, with ladders run as the settings say and files from `source`.
    pub(crate) fn lists<'a>(
        &'a self,
        catalog: &'a Catalog,
        settings: &Settings,
        source: &'a SourceChoice,
    ) -> Lists<'a> {
        Lists {
            catalog,
            store: &self.models,
            recipes: &self.recipes,
            context: settings.context,
            // Exact mode knows 16 bits only.
            cache: if settings.exact { CacheType::F16 } else { settings.cache },
            source,
        }
    }

    /// Every ladder, run as the settings say and with files from `source`, where graphics cards have so many bytes free.
    pub(crate) fn cards(
        &self,
        settings: &Settings,
        source: &SourceChoice,
        cards: u64,
    ) -> Result<Vec<LadderCard>, Problem> {
        let catalog = self.catalog();
        let reads = engine::bytes_a_second(&self.learned.all(), &|ladder| catalog.is_dense(ladder));
        let japanese = match settings.language {
            UiLanguage::System => Language::of_system() == Language::Japanese,
            chosen => chosen == UiLanguage::Ja,
        };
        let machine = Machine { memory: engine::memory_of_this_computer(), cards, reads, japanese };
        self.lists(&catalog, settings, source).ladders(machine, &store::checked(&self.places))
    }
}
