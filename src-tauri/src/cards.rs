//! Ladders and models as the window lists them.

use catalog::{Catalog, Lists, Machine};
use protocol::Problem;
use protocol::chat::{LadderCard, LadderCheck, Settings};
use protocol::ladder::CacheType;

use crate::app::Disk;

impl Disk {
    /// What lists are made of, with ladders run as the settings say.
    pub(crate) fn lists<'a>(&'a self, catalog: &'a Catalog, settings: &Settings) -> Lists<'a> {
        Lists {
            catalog,
            store: &self.models,
            recipes: &self.recipes,
            machine: Machine {
                memory: engine::memory_of_this_computer(),
                reads: engine::bytes_a_second(&self.learned.all(), &|ladder| catalog.is_dense(ladder)),
            },
            context: settings.context,
            // Exact mode knows 16 bits only.
            cache: if settings.exact { CacheType::F16 } else { settings.cache },
            source: &self.source,
        }
    }

    /// Every ladder, run as the settings say.
    pub(crate) fn cards(&self, settings: &Settings) -> Result<Vec<LadderCard>, Problem> {
        let checks = store::checks(&self.places);
        let checked = |id: &str, models: &[String]| {
            let check = checks.get(id).filter(|check| check.models == models)?;
            Some(LadderCheck { alone: check.alone, cascade: check.cascade, ratio: check.ratio, better: None })
        };
        self.lists(&self.catalog(), settings).ladders(&checked)
    }
}
