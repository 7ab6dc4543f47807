//! Lists that come in pages.

use lab1_flow_workflow::ActionError;

/// More pages than any list that we ask for can have: the longest, the rules of a listener, has a hundred
/// entries. A service that goes on beyond it repeats itself.
const PAGES_MAX: usize = 100;

/// One page and the mark of the next.
#[derive(Debug)]
pub(crate) struct Page<T> {
    pub(crate) items: Vec<T>,
    pub(crate) next: Option<String>,
}

impl<T> Page<T> {
    /// A page; an empty mark of the next one counts as none.
    pub(crate) fn new(items: Option<Vec<T>>, next: Option<String>) -> Self {
        Self { items: items.unwrap_or_default(), next: next.filter(|next| !next.is_empty()) }
    }
}

/// Reads all pages. `read` is given the mark of the page to read, `None` for the first.
///
/// # Errors
/// The first error of `read`; transient when the list does not end.
pub(crate) async fn all_pages<T, F>(
    mut read: impl FnMut(Option<String>) -> F,
) -> Result<Vec<T>, ActionError>
where
    F: Future<Output = Result<Page<T>, ActionError>>,
{
    let mut items = Vec::new();
    let mut next = None;
    for _ in 0..PAGES_MAX {
        let page = read(next).await?;
        items.extend(page.items);
        next = page.next;
        if next.is_none() {
            return Ok(items);
        }
    }
    Err(ActionError::transient(format!("a list did not end after {PAGES_MAX} pages")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn every_page_is_read_once_and_in_order() {
        let pages = [("a", Some("1")), ("b", Some("2")), ("c", Some(""))];
        let mut asked = Vec::new();
        let items = all_pages(|mark| {
            let (item, next) = pages[asked.len()];
            asked.push(mark);
            std::future::ready(Ok(Page::new(Some(vec![item]), next.map(str::to_owned))))
        })
        .await
        .unwrap();
        assert_eq!(items, ["a", "b", "c"]);
        assert_eq!(asked, [None, Some("1".to_owned()), Some("2".to_owned())]);
    }

    #[tokio::test]
    async fn a_list_without_end_is_given_up() {
        let page = || Ok(Page::new(Some(vec![()]), Some("again".to_owned())));
        let endless = all_pages(|_| std::future::ready(page())).await;
        assert!(endless.unwrap_err().to_string().contains("100 pages"));
    }
}
