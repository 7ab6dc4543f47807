//! What others have written, in a real terminal.

use lab1_flow_journal::{Entry, FailureClass, Rest};

use crate::common::Sandbox;
use crate::common::stored::{action, failure, header, rested, started, write_with};
use crate::emulator::Terminal;
use crate::hostile::{HOSTILE, assert_harmless, without_our_sequences};

#[test]
fn the_live_view_of_a_hostile_run_stays_what_it_is() {
    let sandbox = Sandbox::new();
    let mut header = header("aaa111bbb222");
    header.steps[0].title = HOSTILE.into();
    header.context["stack"] = HOSTILE.into();
    let failure = failure(FailureClass::Permanent, HOSTILE);
    let failed = Entry::ActionFailed { action: action("group"), failure };
    write_with(&sandbox.state_dir(), &header, vec![started("group"), failed, rested(Rest::Failed)]);
    for words in [&["watch", "aaa111bbb222"][..], &["status", "aaa111bbb222"], &["list"]] {
        let left = Terminal::start(&sandbox, words, (100, 30), &[]).finish();
        // A terminal ends a line with two characters, and the view goes to the beginning of one with the first.
        let plain = without_our_sequences(&left.raw).replace('\r', "");
        assert_harmless(words[0], &plain);
        assert!(left.raw.contains("\u{1b}["), "it is painted: {}", left.raw);
        let is_shown = plain.contains(r"\u{1b}[2J");
        assert!(is_shown || words[0] == "list", "{plain}");
        assert!(!left.cursor_is_hidden);
    }
}
