//! What differs between two texts, line by line.

/// Lines around a change that are told.
const AROUND: usize = 2;
/// Lines of either text between the first and the last change that are compared with each other; more are told as taken
/// out and put in.
const COMPARED: usize = 2000;

/// A line of a comparison.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line {
    /// It stays.
    Stays(String),
    /// It is taken out.
    Out(String),
    /// It is put in.
    In(String),
    /// So many lines that stay are not told.
    Gap(usize),
}

/// What makes `after` of `before`.
pub(super) fn lines(before: &str, after: &str) -> Vec<Line> {
    let (a, b): (Vec<&str>, Vec<&str>) = (before.lines().collect(), after.lines().collect());
    let same = a.iter().zip(&b).take_while(|(a, b)| a == b).count();
    let same_end = a[same..].iter().rev().zip(b[same..].iter().rev()).take_while(|(a, b)| a == b).count();
    let (middle_a, middle_b) = (&a[same..a.len() - same_end], &b[same..b.len() - same_end]);
    let stays = |lines: &[&str]| lines.iter().map(|line| Line::Stays((*line).to_owned())).collect::<Vec<_>>();
    let all = [stays(&a[..same]), between(middle_a, middle_b), stays(&a[a.len() - same_end..])].concat();
    shortened(all)
}

/// The longest lines in common stay.
fn between(a: &[&str], b: &[&str]) -> Vec<Line> {
    let out = |line: &&str| Line::Out((*line).to_owned());
    let put = |line: &&str| Line::In((*line).to_owned());
    if a.len() > COMPARED || b.len() > COMPARED {
        return a.iter().map(out).chain(b.iter().map(put)).collect();
    }
    // The number of lines in common from each pair of places on.
    let mut common = vec![vec![0_u16; b.len() + 1]; a.len() + 1];
    for i in (0..a.len()).rev() {
        for j in (0..b.len()).rev() {
            common[i][j] = if a[i] == b[j] { common[i + 1][j + 1] + 1 } else { common[i + 1][j].max(common[i][j + 1]) };
        }
    }
    let (mut i, mut j, mut told) = (0, 0, Vec::new());
    while i < a.len() || j < b.len() {
        if i < a.len() && j < b.len() && a[i] == b[j] {
            told.push(Line::Stays(a[i].to_owned()));
            (i, j) = (i + 1, j + 1);
        } else if j == b.len() || (i < a.len() && common[i + 1][j] >= common[i][j + 1]) {
            told.push(out(&a[i]));
            i += 1;
        } else {
            told.push(put(&b[j]));
            j += 1;
        }
    }
    told
}

/// Leaves out what stays far from any change.
fn shortened(all: Vec<Line>) -> Vec<Line> {
    let changes: Vec<usize> =
        all.iter().enumerate().filter(|(_, line)| !matches!(line, Line::Stays(_))).map(|(i, _)| i).collect();
    let mut told = Vec::new();
    let mut left_out = 0;
    for (i, line) in all.into_iter().enumerate() {
        if changes.iter().any(|change| change.abs_diff(i) <= AROUND) {
            if left_out > 0 {
                told.push(Line::Gap(std::mem::take(&mut left_out)));
            }
            told.push(line);
        } else {
            left_out += 1;
        }
    }
    if left_out > 0 && !told.is_empty() {
        told.push(Line::Gap(left_out));
    }
    told
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_change_is_told_with_what_stands_around_it() {
        let before = "a\nb\nc\nd\ne\nf\n";
        let told = lines(before, "a\nb\nc\nD\ne\nf\n");
        let stays = |line: &str| Line::Stays(line.to_owned());
        let (out, put) = (Line::Out("d".to_owned()), Line::In("D".to_owned()));
        assert_eq!(told, [Line::Gap(1), stays("b"), stays("c"), out, put, stays("e"), stays("f")]);
        assert_eq!(lines(before, before), []);
    }

    proptest! {
        #[test]
        fn both_texts_can_be_read_in_it(a in prop::collection::vec("[ab]", 0..12), b in prop::collection::vec("[ab]", 0..12)) {
            let read = |told: &[Line], is_after: bool| -> Vec<String> {
                let of = |line: &Line| match line {
                    Line::Stays(line) => Some(line.clone()),
                    Line::Out(line) => (!is_after).then(|| line.clone()),
                    Line::In(line) => is_after.then(|| line.clone()),
                    Line::Gap(_) => None,
                };
                told.iter().filter_map(of).collect()
            };
            let (before, after): (Vec<&str>, Vec<&str>) =
                (a.iter().map(String::as_str).collect(), b.iter().map(String::as_str).collect());
            let told = between(&before, &after);
            prop_assert_eq!(read(&told, false), a);
            prop_assert_eq!(read(&told, true), b);
        }
    }
}
