//! Ladders by what people call them.

use crate::setup::Setup;

impl Setup {
    /// The id of the ladder, of the list or removed, that people call `name`, if nothing has that id and just one is called so; else `name` itself, which is
    /// refused where it means nothing. Ids have no Japanese letters.
    pub(crate) fn called(&self, name: &str) -> String {
        let is_id = |id: &str| self.catalog.ladder(id).is_ok() || self.catalog.offers_named(id) || self.recipes.has(id);
        let removed = self.catalog.removed(&self.recipes);
        if is_id(name) || removed.iter().any(|version| version.recipe.id == name) {
            return name.to_owned();
        }
        let listed = self.catalog.ladders().iter().map(|ladder| (&ladder.id, &ladder.name));
        let listed: Vec<_> = listed.filter(|(_, called)| *called == name).map(|(id, _)| id.clone()).collect();
        let removed = removed.into_iter().map(|version| version.recipe).filter(|recipe| recipe.name == name);
        let found = if listed.is_empty() { removed.map(|recipe| recipe.id).collect() } else { listed };
        if let [one] = found.as_slice() { one.clone() } else { name.to_owned() }
    }
}
