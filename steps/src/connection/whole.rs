//! Whether an answer is whole. The SDK reads as far as there is something to read: it takes the end of a body for the
//! end of a list, and the answer to a call that returns nothing it does not read at all.

use quick_xml::Reader;
use quick_xml::events::Event;

/// The roots of refusals: EC2's, and that of the other services.
const REFUSALS: [&str; 2] = ["Response", "ErrorResponse"];

/// Why an answer says nothing: neither that something is there, nor that it is not.
///
/// It holds the cause as words alone: what a broken body is traced back to must not be taken for a connection that was
/// never made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct NotWhole(pub(super) String);

/// What an answer is to the SDK.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// The service's own, from its first byte to its last.
    OfTheService,
    /// A page of somebody on the way, such as a proxy; its status says all that can be known.
    OfAnother,
}

/// Tells whose answer to this API action a body is.
///
/// # Errors
/// [`NotWhole`] when it is the beginning of an answer, or the answer to something else.
pub(super) fn kind(action: &str, status: u16, body: &[u8]) -> Result<Kind, NotWhole> {
    let expected = format!("{action}Response");
    if (200..300).contains(&status) {
        return match root_of(body)? {
            root if root == expected => Ok(Kind::OfTheService),
            root => Err(NotWhole(format!("it begins with <{root}>, and not with <{expected}>"))),
        };
    }
    if !begins_like(body, &[&expected, REFUSALS[0], REFUSALS[1]]) {
        return Ok(Kind::OfAnother);
    }
    match root_of(body)? {
        root if REFUSALS.contains(&root.as_str()) => Ok(Kind::OfTheService),
        root => Err(NotWhole(format!("its status is {status}, and it begins with <{root}>"))),
    }
}

/// Whether a document begins with one of these roots, as far as it goes. An empty one does not: proxies refuse so.
fn begins_like(body: &[u8], roots: &[&str]) -> bool {
    let mut text = body.trim_ascii_start();
    if text.is_empty() {
        return false;
    }
    if let Some(declaration) = text.strip_prefix(b"<?") {
        let end = declaration.windows(2).position(|window| window == b"?>");
        text = end.map_or(&b""[..], |end| declaration[end + 2..].trim_ascii_start());
    }
    let Some(name) = text.strip_prefix(b"<") else { return text.is_empty() };
    let end = name.iter().position(|byte| b" \t\r\n/>".contains(byte));
    let begun = &name[..end.unwrap_or(name.len())];
    let is_begun = |root: &&str| match end {
        Some(_) => root.as_bytes() == begun,
        None => root.as_bytes().starts_with(begun),
    };
    roots.iter().any(is_begun)
}

/// Reads a document to its end, and gives the name of its root.
fn root_of(body: &[u8]) -> Result<String, NotWhole> {
    let text = str::from_utf8(body).map_err(|_| NotWhole("it is no text".to_owned()))?;
    let mut reader = Reader::from_str(text);
    let mut outline = Outline::default();
    loop {
        let event = reader.read_event();
        match event.map_err(|error| NotWhole(format!("it is cut off or damaged: {error}")))? {
            Event::Eof => return outline.root(),
            event => outline.add(&event)?,
        }
    }
}

/// What has been read of a document.
#[derive(Debug, Default)]
struct Outline {
    root: Option<String>,
    /// How many elements are open.
    depth: usize,
    /// Whether the root holds an element: every answer names its request at least.
    has_content: bool,
}

impl Outline {
    fn add(&mut self, event: &Event<'_>) -> Result<(), NotWhole> {
        match event {
            Event::Start(tag) => {
                self.open(tag.name().as_ref())?;
                self.depth += 1;
            }
            Event::Empty(tag) => self.open(tag.name().as_ref())?,
            // The reader refuses an end without its beginning.
            Event::End(_) => self.depth = self.depth.saturating_sub(1),
            Event::Comment(_) => {}
            Event::Decl(_) if self.root.is_none() => {}
            Event::Text(text) if self.depth > 0 || text.trim_ascii().is_empty() => {}
            Event::CData(_) | Event::GeneralRef(_) if self.depth > 0 => {}
            _ => return Err(NotWhole("something else stands beside its document".to_owned())),
        }
        Ok(())
    }

    fn open(&mut self, name: &str) -> Result<(), NotWhole> {
        match (&self.root, self.depth) {
            (None, _) => self.root = Some(name.to_owned()),
            (Some(_), 0) => return Err(NotWhole("a second document follows".to_owned())),
            (Some(_), _) => self.has_content = true,
        }
        Ok(())
    }

    fn root(self) -> Result<String, NotWhole> {
        match self.root {
            None => Err(NotWhole("it is empty".to_owned())),
            Some(root) if self.depth > 0 => {
                Err(NotWhole(format!("it is cut off before </{root}>")))
            }
            Some(root) if !self.has_content => Err(NotWhole(format!("<{root}> holds nothing"))),
            Some(root) => Ok(root),
        }
    }
}

#[cfg(test)]
mod tests;
