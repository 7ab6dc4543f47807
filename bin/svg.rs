//! Drawings as SVG: one look for all of them, legible on a light and on a dark page.
//!
//! A drawing brings its own background, and darker colours where the reader prefers them; a viewer that knows nothing of
//! preferences shows the light ones. Colours tell nothing that no word or shape tells as well.

use std::fmt::Write as _;

use crate::door;

/// Classes, not attributes, carry every colour, so that one sheet changes them all.
const STYLE: &str = "\
text{font:12px ui-sans-serif,system-ui,'DejaVu Sans',Helvetica,Arial,sans-serif;fill:#1f2328}\
.page{fill:#ffffff}.title{font-size:15px;font-weight:600}.note{fill:#59636e}.strong{font-weight:600}\
.rule{stroke:#d1d9e0;stroke-width:1;fill:none}.band{fill:#f6f8fa}\
.edge{stroke:#818b98;stroke-width:1.4;fill:none}.dashed{stroke-dasharray:5 4}.tip{fill:#818b98}\
.box{stroke-width:1.3;fill:#ffffff;stroke:#818b98}\
.working,.running,.undoing{fill:#54aeff;stroke:#0969da}.waiting{fill:#b6e3ff;stroke:#54aeff}\
.delayed{fill:#eac54f;stroke:#9a6700}.in-doubt{fill:#ffb77c;stroke:#bc4c00}.done,.standing{fill:#aceebb;stroke:#1a7f37}\
.failed,.stuck{fill:#ffcecb;stroke:#cf222e}.taking-back{fill:#d8b9ff;stroke:#8250df}\
.pending,.gone,.skipped{fill:#f6f8fa;stroke:#afb8c1}.outside{fill:#ddf4ff;stroke:#54aeff}\
.critical{stroke:#cf222e;stroke-width:1.6}\
@media (prefers-color-scheme:dark){\
text{fill:#e6edf3}.page{fill:#0d1117}.note{fill:#9198a1}.rule{stroke:#3d444d}.band{fill:#151b23}\
.edge{stroke:#9198a1}.tip{fill:#9198a1}.box{fill:#0d1117;stroke:#9198a1}\
.working,.running,.undoing{fill:#1158c7;stroke:#58a6ff}.waiting{fill:#0c2d6b;stroke:#388bfd}\
.delayed{fill:#6b4e00;stroke:#d29922}.in-doubt{fill:#762d0a;stroke:#db6d28}.done,.standing{fill:#0f5323;stroke:#3fb950}\
.failed,.stuck{fill:#78191b;stroke:#f85149}.taking-back{fill:#4c2889;stroke:#a371f7}\
.pending,.gone,.skipped{fill:#151b23;stroke:#656c76}.outside{fill:#0c2d6b;stroke:#388bfd}\
.critical{stroke:#f85149}}";

/// A drawing that grows.
#[derive(Debug, Default)]
pub(crate) struct Svg {
    body: String,
}

/// Where a text is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Anchor {
    Start,
    Middle,
    End,
}

impl Svg {
    /// A rectangle; what a reader sees who points at it stands in `told`.
    pub(crate) fn rect(&mut self, class: &str, at: (f64, f64), size: (f64, f64), told: &str) {
        let ((x, y), (width, height)) = (at, size);
        let title = if told.is_empty() { String::new() } else { title(told) };
        let _infallible = writeln!(
            self.body,
            "<rect class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" rx=\"3\">{title}</rect>"
        );
    }

    /// One line of text.
    pub(crate) fn text(&mut self, class: &str, (x, y): (f64, f64), anchor: Anchor, text: &str) {
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        let text = escaped(text);
        let _infallible = writeln!(
            self.body,
            "<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{text}</text>"
        );
    }

    /// A path in the words of SVG.
    pub(crate) fn path(&mut self, class: &str, path: &str) {
        let _infallible = writeln!(self.body, "<path class=\"{class}\" d=\"{path}\"/>");
    }

    /// Puts another drawing over this one.
    pub(crate) fn put_on_top(&mut self, other: &Self) {
        self.body.push_str(&other.body);
    }

    /// The whole file.
    pub(crate) fn finish(self, (width, height): (f64, f64), name: &str) -> String {
        let (name, body) = (title(name), self.body);
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height:.0}\" \
             viewBox=\"0 0 {width:.0} {height:.0}\">\n{name}\n<style>{STYLE}</style>\n\
             <rect class=\"page\" width=\"{width:.0}\" height=\"{height:.0}\" rx=\"6\"/>\n{body}</svg>\n"
        )
    }
}

fn title(text: &str) -> String {
    format!("<title>{}</title>", escaped(text))
}

/// The text as it may stand in a file of XML: without what would be markup, or shows nothing.
fn escaped(text: &str) -> String {
    door::shown(text).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// The columns of a text, as wide as they come in the font of the drawings.
#[expect(clippy::cast_precision_loss, reason = "texts have some dozens of characters")]
pub(crate) fn text_width(text: &str) -> f64 {
    crate::view::text::width(text) as f64 * 7.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_have_named_stays_text() {
        let mut svg = Svg::default();
        svg.text("note", (1.0, 2.0), Anchor::End, "a <b> & \u{1b}[1m");
        svg.rect("done", (0.0, 0.0), (1.0, 1.0), "</title>");
        let drawn = svg.finish((10.0, 20.0), "<x>");
        assert!(drawn.contains(r">a &lt;b&gt; &amp; \u{1b}[1m</text>"), "{drawn}");
        assert!(drawn.contains("<title>&lt;/title&gt;</title>"), "{drawn}");
        assert!(drawn.contains("<title>&lt;x&gt;</title>"), "{drawn}");
    }
}
