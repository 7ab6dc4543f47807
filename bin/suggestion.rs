//! The word that was probably meant.

/// How alike two words must be, from 0 to 1, for one to be offered for the other.
const LIKENESS_MIN: f64 = 0.75;

/// The known word that is most like the one that was used, if one is like enough.
pub(crate) fn most_alike<'a>(
    used: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let likeness = |word: &str| strsim::jaro_winkler(&folded(used), &folded(word));
    let rated = known.into_iter().map(|word| (likeness(word), word));
    let (rate, word) = rated.max_by(|one, other| one.0.total_cmp(&other.0))?;
    (rate >= LIKENESS_MIN).then_some(word)
}

/// `minSize`, `min-size` and `min_size` are one word to a person.
fn folded(word: &str) -> String {
    word.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase()
}
