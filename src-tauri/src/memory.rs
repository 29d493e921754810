//! How much memory a ladder takes, as the builder shows it.

use catalog::{ModelEntry, SourceChoice};
use protocol::chat::{MemoryShare, Settings};
use protocol::ladder::Rung;

use crate::app::Disk;
use crate::loading::running;

impl Disk {
    /// Where the memory of a ladder of these models goes, beside what is free; `cards` have so many bytes of their own for it.
    pub(crate) fn share(
        &self,
        models: &[&ModelEntry],
        settings: &Settings,
        free: Option<u64>,
        cards: u64,
    ) -> MemoryShare {
        let catalog = self.catalog();
        // It takes as much from wherever it comes.
        let lists = self.lists(&catalog, settings, &SourceChoice::Any);
        let fit = lists.fit(models);
        let room = free.map(|free| free.saturating_add(cards));
        let parts = catalog::parts(&self.models, models, lists.context, lists.cache);
        let shed = catalog::shed(&parts, room, &self.uses(models, settings));
        MemoryShare {
            weights: fit.weights as f64,
            cache: fit.cache as f64,
            rest: fit.rest as f64,
            free: free.map(|bytes| bytes as f64),
            left_out: shed.left_out.iter().filter_map(|at| models.get(*at)).map(|model| model.id.clone()).collect(),
            fits: shed.fits,
            devices: Vec::new(),
        }
    }

    /// The files of these models; None unless all of them are here.
    pub(crate) fn rungs(&self, models: &[&ModelEntry]) -> Option<Vec<Rung>> {
        let rung = |model: &&ModelEntry| Some(Rung { name: model.name.clone(), path: self.models.path_of(model)? });
        models.iter().map(rung).collect()
    }

    /// How useful each draft of a ladder of these models turned out to be, run as the settings say; nothing where that is not known of all of them.
    fn uses(&self, models: &[&ModelEntry], settings: &Settings) -> Vec<f64> {
        let Some(rungs) = self.rungs(models) else { return Vec::new() };
        let conditions = engine::conditions(&engine::versions("foreseen", rungs), running(settings));
        self.learned.recall(&conditions).as_ref().map(engine::uses).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cascade::policy::{Adaptive, CostCurve};
    use protocol::learned::{Learned, Lessons, Threads};
    use serde_json::json;
    use store::Places;

    #[test]
    fn the_memory_bar_leaves_out_the_draft_that_turned_out_to_be_of_least_use() {
        let home = tempfile::tempdir().unwrap();
        let (disk, settings) = Disk::at(Places::below(home.path())).unwrap();
        let catalog = disk.catalog();
        let models = ["qwen2.5-coder-1.5b", "qwen2.5-coder-0.5b", "smollm2-135m"].map(|id| catalog.model(id).unwrap());
        for model in models {
            let file = std::fs::File::create(disk.models.root().join(format!("{}.gguf", model.sha256))).unwrap();
            file.set_len(model.bytes).unwrap();
        }
        let parts = catalog::parts(&disk.models, &models, None, settings.cache);
        let all: u64 = parts.iter().map(|part| part.total()).sum();
        // Too little for all of them with what has to stay free, enough without any one draft.
        let left_out = || disk.share(&models, &settings, Some(all + 100_000_000), 0).left_out;
        assert_eq!(left_out(), ["qwen2.5-coder-0.5b"], "the largest, where nothing is known");
        // A pass of the smallest takes nearly as long as one of the target.
        let curves = [0.1, 0.01, 0.095].map(|seconds| {
            let mut curve = CostCurve::default();
            curve.measured(1, seconds);
            curve
        });
        let mut policy = json!(Adaptive::new(curves.to_vec()).knowledge(&curves));
        for draft in policy["learned"][0]["models"].as_array_mut().unwrap() {
            draft["outcomes"][0] = json!([0.2, 0.4]);
        }
        let ladder = engine::versions("mine", disk.rungs(&models).unwrap());
        let lessons = Lessons { threads: Threads { single: 1, wide: 1 }, on_devices: false, fastest: None, policy };
        let conditions = engine::conditions(&ladder, running(&settings));
        disk.learned.keep(&Learned { ladder: ladder.id, conditions, lessons }).unwrap();
        assert_eq!(left_out(), ["smollm2-135m"], "as the load does");
    }
}
