//! What a person sees when this program has a bug.

use std::panic;

use crate::door::Stream;

/// The threads in which the journal meets files of unknown health. It turns a panic of the database below into
/// a typed error, so that nobody needs to see the panic itself.
const CONTAINED_THREADS: &str = "lab1-flow-journal";

/// Replaces the text of a panic by a short one that names the place and no data.
pub(crate) fn install_hook() {
    panic::set_hook(Box::new(|info| {
        if std::thread::current().name().is_some_and(|name| name.starts_with(CONTAINED_THREADS)) {
            return;
        }
        let place = info.location().map_or_else(String::new, |place| format!(" at {place}"));
        let text = format!(
            "\nerror: lab1-flow has met a bug of its own{place}\n  \
             now:  every run stands where its journal says\n  \
             next: lab1-flow list\n  \
             next: please report it, with `lab1-flow --version` and this text\n"
        );
        let _reader_gone = Stream::Err.text(&text);
    }));
}
