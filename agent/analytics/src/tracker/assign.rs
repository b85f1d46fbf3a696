//! Assignment of detections to tracks: the matching with the greatest sum of gains, by the Hungarian method.
//!
//! Most pairs are out of reach of each other, so the matching is sought in each connected part of the graph apart;
//! the cubic cost then falls on the few tracks of one knot of people and not on all of the picture.

use pathfinding::matrix::Matrix;
use pathfinding::prelude::kuhn_munkres;

/// A possible pair: row, column and its gain, above 0 and at most 1.
pub(super) type Pair = (usize, usize, f32);

/// Gains are whole millionths, because the method needs exact arithmetic to end.
fn weight(gain: f32) -> i64 {
    if gain.is_finite() { (f64::from(gain.clamp(0.0, 2.0)) * 1e6).round() as i64 } else { 0 }
}

/// Finds best matchings, in memory that is used again.
#[derive(Debug, Default)]
pub(super) struct Assignment {
    parts: Parts,
    by_part: Vec<(usize, Pair)>,
    matched: Vec<(usize, usize)>,
}

impl Assignment {
    /// The pairs of the best matching, ordered by row. Pairs without gain are never matched.
    pub(super) fn best(&mut self, pairs: &[Pair], n_rows: usize, n_columns: usize) -> &[(usize, usize)] {
        self.matched.clear();
        self.parts.begin(n_rows + n_columns);
        for &(row, column, _) in pairs {
            self.parts.join(row, n_rows + column);
        }
        self.by_part.clear();
        self.by_part.extend(pairs.iter().map(|&pair| (self.parts.root(pair.0), pair)));
        self.by_part.sort_unstable_by_key(|&(root, (row, column, _))| (root, row, column));
        self.by_part.chunk_by(|a, b| a.0 == b.0).for_each(|part| assign_part(part, &mut self.matched));
        self.matched.sort_unstable();
        &self.matched
    }
}

fn assign_part(part: &[(usize, Pair)], matched: &mut Vec<(usize, usize)>) {
    let (_, (row, column, _)) = part[0];
    // One track with some detections, or one detection with some tracks: the best of them, the first where they are equal.
    if part.iter().all(|(_, pair)| pair.0 == row) || part.iter().all(|(_, pair)| pair.1 == column) {
        let better = |best: Pair, &(_, pair): &(usize, Pair)| if weight(pair.2) > weight(best.2) { pair } else { best };
        let (row, column, gain) = part.iter().fold((row, column, 0.0), better);
        matched.extend((weight(gain) > 0).then_some((row, column)));
        return;
    }
    let sorted = |pick: fn(&Pair) -> usize| {
        let mut all: Vec<usize> = part.iter().map(|(_, pair)| pick(pair)).collect();
        all.sort_unstable();
        all.dedup();
        all
    };
    let (rows, columns) = (sorted(|p| p.0), sorted(|p| p.1));
    let is_wide = rows.len() <= columns.len();
    let (n, m) = if is_wide { (rows.len(), columns.len()) } else { (columns.len(), rows.len()) };
    let mut weights = Matrix::new(n, m, 0i64);
    for &(_, (row, column, gain)) in part {
        if let (Ok(r), Ok(c)) = (rows.binary_search(&row), columns.binary_search(&column)) {
            weights[if is_wide { (r, c) } else { (c, r) }] = weight(gain);
        }
    }
    let (_, chosen) = kuhn_munkres(&weights);
    let found = chosen.iter().enumerate().filter(|&(i, &j)| weights[(i, j)] > 0);
    matched.extend(found.map(|(i, &j)| if is_wide { (rows[i], columns[j]) } else { (rows[j], columns[i]) }));
}

/// Disjoint sets with path halving.
#[derive(Debug, Default)]
struct Parts {
    parent: Vec<usize>,
}

impl Parts {
    /// Each of `n` by itself.
    fn begin(&mut self, n: usize) {
        self.parent.clear();
        self.parent.extend(0..n);
    }

    fn root(&mut self, mut i: usize) -> usize {
        while self.parent[i] != i {
            self.parent[i] = self.parent[self.parent[i]];
            i = self.parent[i];
        }
        i
    }

    fn join(&mut self, a: usize, b: usize) {
        let (a, b) = (self.root(a), self.root(b));
        // The smaller index becomes the root, so that the order of the parts does not depend on the order of pairs.
        self.parent[a.max(b)] = a.min(b);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn assign(pairs: &[Pair], n_rows: usize, n_columns: usize) -> Vec<(usize, usize)> {
        Assignment::default().best(pairs, n_rows, n_columns).to_vec()
    }

    /// The best sum over every matching, by trial.
    fn best_by_trial(pairs: &[Pair], row: usize, n_rows: usize, taken: u32) -> i64 {
        if row == n_rows {
            return 0;
        }
        let skip = best_by_trial(pairs, row + 1, n_rows, taken);
        let free = pairs.iter().filter(|p| p.0 == row && taken & (1 << p.1) == 0);
        free.map(|p| weight(p.2) + best_by_trial(pairs, row + 1, n_rows, taken | (1 << p.1))).fold(skip, i64::max)
    }

    proptest! {
        #[test]
        fn no_matching_gains_more(table in prop::collection::vec(prop::option::weighted(0.4, 0.01f32..1.0), 30), n_rows in 1usize..6) {
            let n_columns = 30 / n_rows.max(5);
            let pairs: Vec<Pair> = (0..n_rows)
                .flat_map(|r| (0..n_columns).map(move |c| (r, c)))
                .filter_map(|(r, c)| table[r * n_columns + c].map(|gain| (r, c, gain)))
                .collect();
            let matched = assign(&pairs, n_rows, n_columns);
            let gain = |r, c| pairs.iter().find(|p| (p.0, p.1) == (r, c)).map(|p| weight(p.2));
            let sum: i64 = matched.iter().map(|&(r, c)| gain(r, c).unwrap()).sum();
            prop_assert_eq!(sum, best_by_trial(&pairs, 0, n_rows, 0));
            let mut columns: Vec<_> = matched.iter().map(|m| m.1).collect();
            columns.sort_unstable();
            columns.dedup();
            prop_assert_eq!(columns.len(), matched.len());
        }
    }

    #[test]
    fn two_near_pairs_beat_one_nearest() {
        assert_eq!(assign(&[(0, 0, 0.9), (0, 1, 0.8), (1, 0, 0.7)], 2, 2), [(0, 1), (1, 0)]);
        assert_eq!(assign(&[], 3, 2), []);
        assert_eq!(assign(&[(2, 1, 0.0)], 3, 2), []);
    }
}
