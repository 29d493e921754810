//! Smaller versions of one model beside each other.

use crate::recipe::RecipeModel;

/// Of versions of a file of `original` bytes, in falling order, those that are smaller than all before: some mixes come to the same in small models, whose
/// rows are too short for them. Only such ones draft in one ladder.
pub fn falling(original: u64, versions: &[RecipeModel]) -> impl Iterator<Item = &RecipeModel> {
    let mut least = original;
    versions.iter().filter(move |version| {
        let smaller = version.bytes < least;
        least = least.min(version.bytes);
        smaller
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::entry;

    #[test]
    fn what_is_no_smaller_than_what_is_there_is_passed_over() {
        let sized = |id: &str, bytes| {
            let mut model = RecipeModel::of(&entry(id, b"", Vec::new()));
            model.bytes = bytes;
            model
        };
        let versions = [sized("same", 9), sized("less", 7), sized("as-much", 7), sized("least", 3)];
        assert_eq!(falling(9, &versions).map(|version| version.id.as_str()).collect::<Vec<_>>(), ["less", "least"]);
    }
}
