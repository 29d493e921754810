use super::{Action, Ahead, Policy, Reviewed, View};

/// Most tokens that a draft reads at once while the target works.
const READ: usize = 64;

/// Why a K matrix makes no sense.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KError {
    /// Not as many columns as rows.
    #[error("row {row} has {columns} columns where {rows} are needed")]
    NotSquare {
        /// The row, from 0.
        row: usize,
        /// Its columns.
        columns: usize,
        /// Rows of the matrix.
        rows: usize,
    },
    /// A rung would review a bigger one.
    #[error("row {row}, column {column} is below the diagonal and must be 0")]
    UpsideDown {
        /// The row, from 0.
        row: usize,
        /// The column, from 0.
        column: usize,
    },
    /// More tokens than any review pays for.
    #[error("row {row}, column {column} asks for more than {most} tokens")]
    TooMany {
        /// The row, from 0.
        row: usize,
        /// The column, from 0.
        column: usize,
        /// The largest entry allowed.
        most: u32,
    },
}

/// The paper's static policy: matrix K says who drafts how many tokens.
///
/// Row *i* belongs to reviewer *i* (0 is the target), column *j* to drafter *j + 1*; the last column is Max-Gram's.
/// `K[i][j]` tokens come from drafter *j + 1* before each review by *i*, larger drafters first (arXiv 2312.11462,
/// Algorithm 1, in the incremental reading of its published matrices).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FixedPolicy {
    k: Vec<Vec<u32>>,
}

impl FixedPolicy {
    /// The largest entry allowed.
    pub const MOST: u32 = 64;

    /// Checks `k`: square, nothing below the diagonal, no entry above [`MOST`](Self::MOST).
    ///
    /// # Errors
    /// The first entry or row that makes no sense.
    pub fn new(k: &[Vec<u32>]) -> Result<Self, KError> {
        for (row, entries) in k.iter().enumerate() {
            if entries.len() != k.len() {
                return Err(KError::NotSquare { row, columns: entries.len(), rows: k.len() });
            }
            for (column, &entry) in entries.iter().enumerate() {
                if column < row && entry != 0 {
                    return Err(KError::UpsideDown { row, column });
                }
                if entry > Self::MOST {
                    return Err(KError::TooMany { row, column, most: Self::MOST });
                }
            }
        }
        Ok(Self { k: k.to_vec() })
    }

    /// Tokens that the largest draft drafts for the target.
    fn drafted_first(&self) -> usize {
        self.k.first().and_then(|row| row.first()).map_or(0, |tokens| *tokens as usize)
    }

    /// The matrix.
    pub fn k(&self) -> &[Vec<u32>] {
        &self.k
    }

    /// The same without `rung` (1 is the largest draft), for a ladder that had to leave it out.
    #[must_use]
    pub fn without(mut self, rung: usize) -> Self {
        if (1..=self.k.len()).contains(&rung) {
            // Reviewer `rung` is row `rung`, drafter `rung` is column `rung - 1`; Max-Gram reviews nothing and has no row.
            if rung < self.k.len() {
                self.k.remove(rung);
            } else {
                self.k.pop();
            }
            for row in &mut self.k {
                row.remove(rung - 1);
            }
        }
        self
    }
}

impl Policy for FixedPolicy {
    fn next(&mut self, view: &View<'_>) -> Action {
        let Some(row) = self.k.get(view.reviewer) else { return Action::Review };
        for (column, &tokens) in row.iter().enumerate() {
            let rung = column + 1;
            let have = view.pending.iter().filter(|p| p.asked == rung).count();
            // Larger drafters come first: whoever already had a smaller one's tokens behind it is done.
            let passed = view.pending.last().is_some_and(|p| p.asked > rung);
            let usable = view.available.get(rung).copied().unwrap_or(false);
            if usable && !passed && have < tokens as usize {
                return Action::Draft { rung, tokens: tokens as usize - have };
            }
        }
        Action::Review
    }

    fn learn(&mut self, _: &Reviewed<'_>) {}

    /// As far as the largest draft would go for the next review.
    fn ahead(&mut self, _: &View<'_>) -> Ahead {
        match self.drafted_first() {
            0 => Ahead::default(),
            tokens => Ahead { tokens: tokens + 1, read: READ },
        }
    }

    fn keep_ahead(&mut self, view: &View<'_>) -> usize {
        view.pending.len().min(self.drafted_first())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_matrices_are_accepted() {
        for k in [
            vec![vec![5, 14, 10], vec![0, 1, 10], vec![0, 0, 10]],
            vec![vec![5, 8, 10], vec![0, 1, 10], vec![0, 0, 10]],
            vec![vec![13, 10], vec![0, 10]],
        ] {
            assert!(FixedPolicy::new(&k).is_ok());
        }
    }

    #[test]
    fn matrices_that_make_no_sense_are_refused_with_the_place() {
        assert_eq!(FixedPolicy::new(&[vec![1, 2], vec![0]]), Err(KError::NotSquare { row: 1, columns: 1, rows: 2 }));
        assert_eq!(FixedPolicy::new(&[vec![1, 2], vec![3, 4]]), Err(KError::UpsideDown { row: 1, column: 0 }));
        assert_eq!(FixedPolicy::new(&[vec![65]]), Err(KError::TooMany { row: 0, column: 0, most: 64 }));
    }

    #[test]
    fn leaving_a_rung_out_keeps_the_others_numbers() {
        let three = FixedPolicy::new(&[vec![5, 14, 10], vec![0, 1, 9], vec![0, 0, 8]]).unwrap();
        assert_eq!(three.clone().without(1), FixedPolicy { k: vec![vec![14, 10], vec![0, 8]] });
        assert_eq!(three.clone().without(2), FixedPolicy { k: vec![vec![5, 10], vec![0, 9]] });
        assert_eq!(three.clone().without(3), FixedPolicy { k: vec![vec![5, 14], vec![0, 1]] });
        assert_eq!(three.clone().without(4), three);
    }
}
