//! Texts for people in a record: whatever a provider answers, a record has room for it.

use lab1_flow_journal::{Entry, Failure, Rest};

/// The greatest length of one text, and of what a stuck run says in all, in bytes.
const TEXT_BYTES_MAX: usize = 16 << 10;
const LINES_BYTES_MAX: usize = 1 << 20;

/// Cuts the texts of an entry that would not fit.
pub(crate) fn clip(entry: &mut Entry) {
    match entry {
        Entry::AttemptFailed { failure, .. }
        | Entry::ActionFailed { failure, .. }
        | Entry::CompensationFailed { failure, .. }
        | Entry::CompensationGaveUp { failure, .. }
        | Entry::RunRested { rest: Rest::Suspended { failure } } => clip_failure(failure),
        Entry::ActionWaiting { reason, .. } | Entry::CompensationWaiting { reason, .. } => {
            clip_text(reason);
        }
        Entry::RunRested { rest: Rest::Stuck { left } } => clip_lines(left),
        _ => {}
    }
}

fn clip_failure(failure: &mut Failure) {
    clip_text(&mut failure.message);
    for text in [&mut failure.code, &mut failure.request_id, &mut failure.advice] {
        text.as_mut().map(clip_text);
    }
}

fn clip_text(text: &mut String) {
    if text.len() > TEXT_BYTES_MAX {
        let whole = text.len();
        text.truncate(text.floor_char_boundary(TEXT_BYTES_MAX));
        *text = format!("{text}... ({whole} bytes in all)");
    }
}

fn clip_lines(lines: &mut Vec<String>) {
    lines.iter_mut().for_each(clip_text);
    let mut bytes = 0;
    let fit = lines.iter().take_while(|line| {
        bytes += line.len();
        bytes <= LINES_BYTES_MAX
    });
    let fit = fit.count();
    let more = lines.len() - fit;
    if more > 0 {
        lines.truncate(fit);
        lines.push(format!("... and {more} more"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_would_not_fit_is_cut_and_says_how_long_it_was() {
        let mut text = "\u{20ac}".repeat(TEXT_BYTES_MAX);
        clip_text(&mut text);
        assert!(
            text.len() < TEXT_BYTES_MAX + 40 && text.ends_with("(49152 bytes in all)"),
            "{text}"
        );
        let mut short = "short".to_owned();
        clip_text(&mut short);
        assert_eq!(short, "short");
        let mut left = vec!["x".repeat(TEXT_BYTES_MAX); 100];
        clip_lines(&mut left);
        assert_eq!((left.len(), left.last().unwrap().as_str()), (65, "... and 36 more"));
    }
}
