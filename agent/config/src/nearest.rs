//! What somebody meant who wrote a word that is not known.

/// The candidate that is spelled most like `name`, if one is near enough to have been meant. Of two letters one is not.
pub(crate) fn nearest<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    candidates
        .map(|candidate| (strsim::damerau_levenshtein(name, candidate), candidate))
        .filter(|&(distance, candidate)| {
            let longest = name.len().max(candidate.len());
            distance <= 1 + longest / 3 && distance * 2 < longest
        })
        .min()
        .map(|(_, candidate)| candidate)
}
