//! Colours, where a stream may have them. No meaning is told by colour alone.

use comfy_table::presets::NOTHING;
use comfy_table::{Color, ContentArrangement, Table};

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

impl Tone {
    /// The table's name for it.
    pub(crate) fn color(self) -> Option<Color> {
        match self {
            Self::Red => Some(Color::DarkRed),
            Self::Green => Some(Color::DarkGreen),
            Self::Yellow => Some(Color::DarkYellow),
            Self::Cyan => Some(Color::DarkCyan),
            Self::Dim => Some(Color::DarkGrey),
            Self::Bold => None,
        }
    }
}

impl Paint {
    pub(crate) fn new(enabled: bool) -> Self {
        Self { enabled }
    }

    /// A table in the style of all tables: columns and nothing else.
    pub(crate) fn table(self, header: &[&str]) -> Table {
        let mut table = Table::new();
        table.load_style(NOTHING).set_content_arrangement(ContentArrangement::Disabled);
        if self.enabled {
            table.enforce_styling();
        } else {
            table.force_no_tty();
        }
        table.set_header(header.iter().copied());
        if let Some(column) = table.column_mut(0) {
            column.set_padding((0, 1));
        }
        table
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
        if self.enabled { format!("\u{1b}[{number}m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    pub(crate) fn bold(self, text: &str) -> String {
        self.tone(Tone::Bold, text)
    }

    pub(crate) fn red(self, text: &str) -> String {
        self.tone(Tone::Red, text)
    }
}
