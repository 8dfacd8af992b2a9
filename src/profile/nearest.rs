//! The nearest known name, for "did you mean".

/// The name of `known` that is closest to `typed`, if one is close enough to have been meant.
#[must_use]
pub fn nearest<'k>(typed: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let typed = typed.to_lowercase().replace('_', "-");
    let furthest = (typed.chars().count() / 3).max(1);
    known
        .into_iter()
        .map(|name| (edits(&typed, name), name))
        .filter(|(edits, name)| *edits <= furthest || (typed.len() >= 3 && name.starts_with(&typed)))
        .min_by_key(|(edits, _)| *edits)
        .map(|(_, name)| name)
}

/// Least number of characters inserted, deleted, replaced, or swapped with their neighbour, that turns `a` into `b`.
fn edits(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows = vec![vec![0; b.len() + 1]; a.len() + 1];
    for (i, row) in rows.iter_mut().enumerate() {
        row[0] = i;
    }
    for (j, cell) in rows[0].iter_mut().enumerate() {
        *cell = j;
    }
    for i in 1..=a.len() {
        for j in 1..=b.len() {
            let replaced = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut least = replaced.min(rows[i - 1][j] + 1).min(rows[i][j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                least = least.min(rows[i - 2][j - 2] + 1);
            }
            rows[i][j] = least;
        }
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_finger_is_understood_and_another_word_is_not() {
        let known = ["publishers", "rate", "payload", "warm-up"];
        for (typed, meant) in [
            ("publisher", Some("publishers")),
            ("raet", Some("rate")),
            ("warm_up", Some("warm-up")),
            ("pay", Some("payload")),
            ("colour", None),
            ("", None),
        ] {
            assert_eq!(nearest(typed, known), meant, "{typed}");
        }
    }
}
