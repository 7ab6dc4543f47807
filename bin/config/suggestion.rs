//! The word that was probably meant in a message of a parser.

use crate::suggestion::most_alike;

/// More accepted words than this are not listed in a message.
const LIST_LENGTH_MAX: usize = 6;

/// Longer than every word that is known, with room for mistakes.
const WORD_LENGTH_MAX: usize = 100;

/// What is said by flags alone, since it belongs to a command and not to a stack.
const FLAGS: [&str; 6] = ["region", "profile", "cloud", "endpoint_url", "time_scale", "on_failure"];

/// Reads the accepted words out of a message such as ``unknown field `a`, expected one of `b`, `c` ``, and
/// offers the one that is most like the word that was used; else all of them, where the message does not.
pub(super) fn for_message(message: &str) -> Option<String> {
    let mut words = quoted_words(message);
    // No longer word is like any that is known.
    let used = words.next().filter(|used| used.len() <= WORD_LENGTH_MAX)?;
    let known: Vec<&str> = words.collect();
    if let Some(word) = most_alike(used, known.iter().copied()) {
        return Some(format!("did you mean `{word}`?"));
    }
    let is_key = message.starts_with("unknown field");
    if let Some(flag) = most_alike(used, FLAGS).filter(|_| is_key) {
        return Some(format!("it is given by a flag: --{}", flag.replace('_', "-")));
    }
    (is_key && known.len() > LIST_LENGTH_MAX).then(|| format!("one of {}", known.join(", ")))
}

/// The message without its list of accepted words, where that is long.
pub(super) fn without_long_list(message: &str) -> String {
    match message.split_once(", expected one of") {
        Some((start, list)) if quoted_words(list).count() > LIST_LENGTH_MAX => start.to_owned(),
        _ => message.to_owned(),
    }
}

/// What serde calls a kind of number, and what a person does.
const KINDS: [(&str, &str); 3] = [
    ("expected u16", "expected a whole number from 0 to 65535"),
    ("expected u32", "expected a whole number from 0 to 4294967295"),
    ("expected a sequence", "expected a list"),
];

/// The message without the names of types of the program.
pub(super) fn in_plain_words(message: &str) -> String {
    let words = |text: String, (theirs, plain): (&str, &str)| text.replace(theirs, plain);
    KINDS.into_iter().fold(message.to_owned(), words)
}

fn quoted_words(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_alike_word_is_offered() {
        let message = "unknown field `desird`, expected one of `name`, `desired`, `max`";
        assert_eq!(for_message(message).as_deref(), Some("did you mean `desired`?"));
        let message = "unknown field `open-ports`, expected `open_ports`";
        assert_eq!(for_message(message).as_deref(), Some("did you mean `open_ports`?"));
    }

    #[test]
    fn a_word_that_is_like_none_is_answered_with_all_of_them_or_with_a_flag() {
        let all = "expected one of `stack`, `b`, `c`, `d`, `e`, `f`, `g`";
        let offer = |word: &str| for_message(&format!("unknown field `{word}`, {all}"));
        assert_eq!(offer("clusters").as_deref(), Some("one of stack, b, c, d, e, f, g"));
        let flag = "it is given by a flag: --region";
        assert_eq!(offer("regoin").as_deref(), Some(flag));
    }

    #[test]
    fn a_word_that_is_like_none_of_a_few_gets_no_offer() {
        assert_eq!(for_message("unknown field `zzz`, expected one of `name`, `max`"), None);
        assert_eq!(for_message("invalid type: string"), None);
    }

    #[test]
    fn only_a_long_list_is_left_out() {
        let short = "unknown field `x`, expected one of `a`, `b`";
        assert_eq!(without_long_list(short), short);
        let long = "unknown field `x`, expected one of `a`, `b`, `c`, `d`, `e`, `f`, `g`";
        assert_eq!(without_long_list(long), "unknown field `x`");
    }
}
