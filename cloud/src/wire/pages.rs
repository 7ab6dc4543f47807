//! Pages of a list. A token names the last item shown, so that a page follows correctly also when
//! items came or went in between.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::params::Fields;
use super::refusal::Refusal;

/// Says which part of a list is wanted.
#[derive(Debug)]
pub(crate) struct PageRequest {
    after: Option<String>,
    size: usize,
}

/// Names the paging parameters of a call.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PageNames {
    pub(crate) token: &'static str,
    pub(crate) size: &'static str,
    pub(crate) size_min: usize,
    pub(crate) size_max: usize,
    pub(crate) size_default: usize,
}

/// The paging of most EC2 calls: everything at once unless asked otherwise.
pub(crate) const EC2: PageNames = PageNames {
    token: "NextToken",
    size: "MaxResults",
    size_min: 5,
    size_max: 1000,
    size_default: 1000,
};

/// The paging of load balancing.
pub(crate) const ELB: PageNames =
    PageNames { token: "Marker", size: "PageSize", size_min: 1, size_max: 400, size_default: 400 };

/// The paging of Auto Scaling: pages of 50, and never more than 100.
pub(crate) const AUTO_SCALING: PageNames = PageNames {
    token: "NextToken",
    size: "MaxRecords",
    size_min: 1,
    size_max: 100,
    size_default: 50,
};

impl PageRequest {
    /// Reads the paging parameters.
    pub(crate) fn read(fields: &Fields<'_>, names: PageNames) -> Result<Self, Refusal> {
        let size = fields.number(names.size, names.size_min..=names.size_max)?;
        let after = match fields.text(names.token) {
            None | Some("") => None,
            Some(token) => Some(decode(token).ok_or_else(|| {
                fields.invalid(names.token, format!("the token '{token}' is not one of ours"))
            })?),
        };
        Ok(Self { after, size: size.unwrap_or(names.size_default) })
    }

    /// Cuts the page out of the whole list, which must be in the order of its keys; gives the token
    /// of the next page when there is one.
    pub(crate) fn cut<T>(
        &self,
        items: impl IntoIterator<Item = T>,
        key: impl Fn(&T) -> String,
    ) -> (Vec<T>, Option<String>) {
        let mut page: Vec<T> = items
            .into_iter()
            .filter(|item| self.after.as_ref().is_none_or(|after| key(item) > *after))
            .take(self.size + 1)
            .collect();
        if page.len() <= self.size {
            return (page, None);
        }
        page.truncate(self.size);
        let next = page.last().map(|item| URL_SAFE_NO_PAD.encode(key(item)));
        (page, next)
    }
}

fn decode(token: &str) -> Option<String> {
    String::from_utf8(URL_SAFE_NO_PAD.decode(token).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::super::dialect::Service;
    use super::super::params::Params;
    use super::*;

    fn request(token: Option<&str>) -> PageRequest {
        let mut pairs = vec![("PageSize".to_owned(), "2".to_owned())];
        pairs.extend(token.map(|token| ("Marker".to_owned(), token.to_owned())));
        let params = Params::new(Service::Elb, pairs).unwrap();
        PageRequest::read(&params.fields(), ELB).unwrap()
    }

    #[test]
    fn pages_follow_each_other_also_when_the_last_item_shown_went_away() {
        let key = |item: &&str| (*item).to_owned();
        let (first, token) = request(None).cut(["a", "b", "c", "d"], key);
        assert_eq!(first, ["a", "b"]);
        let token = token.unwrap();
        let (second, end) = request(Some(&token)).cut(["a", "c", "d"], key);
        assert_eq!(second, ["c", "d"]);
        assert_eq!(end, None);
    }

    #[test]
    fn a_token_that_is_not_ours_is_refused() {
        let pairs = [("Marker".to_owned(), "%%%".to_owned())];
        let params = Params::new(Service::Elb, pairs).unwrap();
        assert_eq!(PageRequest::read(&params.fields(), ELB).unwrap_err().code, "ValidationError");
    }
}
