//! Patterns of path and host conditions.

/// Tells whether `text` as a whole matches a pattern in which `*` stands for any characters, also
/// none, and `?` for exactly one. Letter case counts.
///
/// It goes back to the latest star alone, so that its work is bounded by the product of the two
/// lengths, whatever the pattern.
pub(crate) fn matches(pattern: &str, text: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let text: Vec<char> = text.chars().collect();
    let (mut p, mut t) = (0, 0);
    // Where the latest star stands, and the first character that it does not cover yet.
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(&expected) if expected == '?' || expected == text[t] => {
                p += 1;
                t += 1;
            }
            Some(_) | None => {
                let Some((star_at, covered_to)) = star else { return false };
                star = Some((star_at, covered_to + 1));
                p = star_at + 1;
                t = covered_to + 1;
            }
        }
    }
    pattern[p..].iter().all(|&rest| rest == '*')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::matches;

    #[test]
    fn a_pattern_matches_the_whole_text_with_stars_and_question_marks() {
        for (pattern, text, expected) in [
            ("/cluster1", "/cluster1", true),
            ("/cluster1", "/cluster1/", false),
            ("/cluster1", "/cluster1/x", false),
            ("/cluster1", "/Cluster1", false),
            ("/cluster1", "/cluster", false),
            ("/cluster?", "/cluster1", true),
            ("/cluster?", "/cluster", false),
            ("/cluster?", "/cluster12", false),
            ("/cluster*", "/cluster", true),
            ("/cluster*", "/cluster1/and/more", true),
            ("*/img/*.png", "/static/img/a/b.png", true),
            ("*/img/*.png", "/static/img/a.png/c", false),
            ("*", "", true),
            ("*", "/", true),
            ("", "", true),
            ("", "/", false),
            ("?", "", false),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-b-b-", false),
            ("***?", "x", true),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern:?} against {text:?}");
        }
    }

    /// The definition itself, which costs exponential time.
    fn by_definition(pattern: &[char], text: &[char]) -> bool {
        match (pattern.first(), text.first()) {
            (None, None) => true,
            (Some('*'), _) => {
                by_definition(&pattern[1..], text)
                    || (!text.is_empty() && by_definition(pattern, &text[1..]))
            }
            (Some(p), Some(t)) if *p == '?' || p == t => by_definition(&pattern[1..], &text[1..]),
            _ => false,
        }
    }

    proptest! {
        #[test]
        fn it_agrees_with_the_definition(pattern in "[ab*?]{0,8}", text in "[ab]{0,10}") {
            let p: Vec<char> = pattern.chars().collect();
            let t: Vec<char> = text.chars().collect();
            prop_assert_eq!(matches(&pattern, &text), by_definition(&p, &t));
        }
    }
}
