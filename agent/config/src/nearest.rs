//! What somebody meant who wrote a word that is not known.

/// The mend for a name that is not known: the candidate that was probably meant, else what `otherwise` says.
pub(crate) fn meant<'a>(
    name: &str,
    candidates: impl Iterator<Item = &'a str>,
    otherwise: impl FnOnce() -> String,
) -> String {
    nearest(name, candidates).map_or_else(otherwise, |best| format!("did you mean `{best}`?"))
}

/// The candidate that is spelled most like `name`, if one is near enough to have been meant. Of two letters one is not.
fn nearest<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    candidates
        .map(|candidate| (strsim::damerau_levenshtein(name, candidate), candidate))
        .filter(|&(distance, candidate)| {
            let longest = name.len().max(candidate.len());
            distance <= 1 + longest / 3 && distance * 2 < longest
        })
        .min()
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_suggested_for_what_nobody_can_have_meant() {
        assert_eq!(nearest("zebra", ["camera", "site"].into_iter()), None);
        assert_eq!(nearest("camra", ["camera", "site"].into_iter()), Some("camera"));
    }
}
