/// Names longer than this are not compared.
const MAX_LENGTH: usize = 48;
/// How many names are compared at most for one suggestion.
const MAX_NAMES: usize = 2_000;

/// The candidate most like `name`, if one is like it enough to have been meant. Ties go to the first by the alphabet.
pub fn nearest<'a>(name: &str, mut candidates: Vec<&'a str>) -> Option<&'a str> {
    if name.len() > MAX_LENGTH || candidates.len() > MAX_NAMES {
        return None;
    }
    candidates.sort_unstable();
    // Short names are alike by chance: of one or two letters only the case may differ.
    let limit = name.len() / 3;
    let near =
        candidates.into_iter().filter(|candidate| candidate.len().abs_diff(name.len()) <= limit && *candidate != name);
    let scored = near.map(|candidate| (distance(name, candidate), candidate));
    scored.filter(|&(distance, _)| distance <= limit).min_by_key(|&(distance, _)| distance).map(|(_, near)| near)
}

/// The number of letters to add, drop or change to make one name of the other, upper and lower case being alike.
fn distance(a: &str, b: &str) -> usize {
    if a.eq_ignore_ascii_case(b) {
        return 0;
    }
    let b = b.as_bytes();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let changed = diagonal + usize::from(!x.eq_ignore_ascii_case(y));
            diagonal = row[j + 1];
            row[j + 1] = changed.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn a_name_with_a_slip_is_found_and_a_different_one_is_not() {
        assert_eq!(nearest("Sharde", vec!["Other", "Shared"]), Some("Shared"));
        assert_eq!(nearest("shared", vec!["Shared"]), Some("Shared"));
        assert_eq!(nearest("Missing", vec!["Shared", "Mist"]), None);
        assert_eq!(nearest("A", vec!["B", "Bcd"]), None);
    }
}
