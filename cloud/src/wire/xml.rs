//! A writer of XML elements: names are ours, text is escaped, nothing can be left open.

use std::fmt::Display;

/// Collects elements. Text content is escaped; element names come from the code alone.
#[derive(Debug, Default)]
pub(crate) struct Xml {
    out: String,
}

impl Xml {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.out
    }

    /// Writes an element that holds text.
    pub(crate) fn text(&mut self, name: &str, value: impl Display) -> &mut Self {
        let value = value.to_string();
        self.open(name);
        // XML 1.0 cannot carry these characters, not even as references.
        if value.contains(forbidden) {
            self.out.push_str(&quick_xml::escape::escape(value.replace(forbidden, "\u{fffd}")));
        } else {
            self.out.push_str(&quick_xml::escape::escape(value));
        }
        self.close(name)
    }

    /// Writes an element that holds text, or nothing at all.
    pub(crate) fn optional(&mut self, name: &str, value: Option<impl Display>) -> &mut Self {
        if let Some(value) = value {
            self.text(name, value);
        }
        self
    }

    /// Writes an element that holds elements.
    pub(crate) fn element(&mut self, name: &str, fill: impl FnOnce(&mut Self)) -> &mut Self {
        self.open(name);
        fill(self);
        self.close(name)
    }

    /// Writes a list in the manner of EC2: `<name><item>...</item></name>`.
    pub(crate) fn items<T>(
        &mut self,
        name: &str,
        values: impl IntoIterator<Item = T>,
        fill: impl FnMut(&mut Self, T),
    ) -> &mut Self {
        self.list(name, "item", values, fill)
    }

    /// Writes a list in the manner of the query services: `<Name><member>...</member></Name>`.
    pub(crate) fn members<T>(
        &mut self,
        name: &str,
        values: impl IntoIterator<Item = T>,
        fill: impl FnMut(&mut Self, T),
    ) -> &mut Self {
        self.list(name, "member", values, fill)
    }

    /// Writes a list of plain texts in the manner of the query services.
    pub(crate) fn texts(
        &mut self,
        name: &str,
        values: impl IntoIterator<Item = impl Display>,
    ) -> &mut Self {
        self.element(name, |list| {
            for value in values {
                list.text("member", value);
            }
        })
    }

    fn list<T>(
        &mut self,
        name: &str,
        item: &str,
        values: impl IntoIterator<Item = T>,
        mut fill: impl FnMut(&mut Self, T),
    ) -> &mut Self {
        self.element(name, |list| {
            for value in values {
                list.element(item, |element| fill(element, value));
            }
        })
    }

    fn open(&mut self, name: &str) -> &mut Self {
        self.out.push('<');
        self.out.push_str(name);
        self.out.push('>');
        self
    }

    fn close(&mut self, name: &str) -> &mut Self {
        self.out.push_str("</");
        self.out.push_str(name);
        self.out.push('>');
        self
    }
}

fn forbidden(character: char) -> bool {
    matches!(character, '\0'..='\x08' | '\x0b' | '\x0c' | '\x0e'..='\x1f' | '\u{fffe}' | '\u{ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_escaped_and_lists_nest() {
        let mut xml = Xml::new();
        xml.text("a", "x < y & \"z\"\0")
            .items("set", ["one", "two"], |item, value| {
                item.text("v", value);
            })
            .optional("none", None::<&str>);
        assert_eq!(
            xml.as_str(),
            "<a>x &lt; y &amp; &quot;z&quot;\u{fffd}</a>\
             <set><item><v>one</v></item><item><v>two</v></item></set>"
        );
    }
}
