//! Colours, where a stream may have them. No meaning is told by colour alone.

use crate::door;

/// Paints text, or leaves it plain.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Paint {
    enabled: bool,
}

/// A colour or a weight of text, as terminals number them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
    Bold,
    Dim,
    Red,
    Green,
    Yellow,
    Cyan,
}

impl Paint {
    pub(crate) fn new(enabled: bool) -> Self {
        Self { enabled }
    }

    pub(crate) fn is_on(self) -> bool {
        self.enabled
    }

    pub(crate) fn tone(self, tone: Tone, text: &str) -> String {
        let number = match tone {
            Tone::Bold => "1",
            Tone::Dim => "2",
            Tone::Red => "31",
            Tone::Green => "32",
            Tone::Yellow => "33",
            Tone::Cyan => "36",
        };
        if !self.enabled {
            return text.to_owned();
        }
        let [begin, end] = [number, "0"].map(|number| door::own(&format!("\u{1b}[{number}m")));
        format!("{begin}{text}{end}")
    }

    pub(crate) fn bold(self, text: &str) -> String {
        self.tone(Tone::Bold, text)
    }

    pub(crate) fn red(self, text: &str) -> String {
        self.tone(Tone::Red, text)
    }
}
