//! `--only`: cells by a pattern of their names.

use crate::profile::nearest;
use crate::profile::sweep::Grid;

/// Which cells of a grid these patterns choose; all when there is none.
///
/// # Errors
/// A pattern that fits no cell that is run, and what there is.
pub(super) fn chosen(grid: &Grid, patterns: &[String]) -> Result<Vec<bool>, String> {
    let names = || grid.running().into_iter().filter_map(|cell| grid.cells.get(cell)).map(|cell| cell.name.as_str());
    for pattern in patterns {
        if !names().any(|name| fits(pattern, name)) {
            let near = nearest(pattern, names());
            let help = near.map_or_else(
                || format!("there are {}", names().map(|name| format!("'{name}'")).collect::<Vec<_>>().join(", ")),
                |near| format!("did you mean '{near}'?"),
            );
            return Err(format!("--only {pattern}: no cell is called so; {help}"));
        }
    }
    let wanted = |name: &str| patterns.is_empty() || patterns.iter().any(|pattern| fits(pattern, name));
    Ok(grid.cells.iter().map(|cell| wanted(&cell.name)).collect())
}

/// Whether a name fits a pattern in which `*` stands for anything and `?` for one letter.
fn fits(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) = (pattern.chars().collect(), name.chars().collect());
    let (mut at, mut seen) = (0, 0);
    // Where the last star is, and up to where it has swallowed.
    let mut star: Option<(usize, usize)> = None;
    while seen < name.len() {
        match pattern.get(at) {
            Some('*') => {
                star = Some((at, seen));
                at += 1;
            }
            Some(letter) if *letter == '?' || *letter == name[seen] => {
                at += 1;
                seen += 1;
            }
            _ => match star.as_mut() {
                Some((star, swallowed)) => {
                    *swallowed += 1;
                    (at, seen) = (*star + 1, *swallowed);
                }
                None => return false,
            },
        }
    }
    pattern[at..].iter().all(|letter| *letter == '*')
}

#[cfg(test)]
mod tests {
    use super::fits;

    #[test]
    fn a_star_is_anything_and_a_question_mark_is_one_letter() {
        for (pattern, name, expected) in [
            ("lease-group, 16", "lease-group, 16", true),
            ("lease*", "lease-group, 16", true),
            ("*, 16", "lease-group, 16", true),
            ("*, 1", "lease-group, 16", false),
            ("*, 1?", "lease-group, 16", true),
            ("*e*1*", "lease-group, 16", true),
            ("", "x", false),
            ("*", "", true),
            ("a*b*c", "abbbxbc", true),
            ("a*b*c", "abbbxb", false),
        ] {
            assert_eq!(fits(pattern, name), expected, "{pattern} {name}");
        }
    }
}
