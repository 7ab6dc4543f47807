//! Whether somebody has said that money may be spent, where, and how much.

/// Names the account, by its twelve digits.
pub(crate) const ACCOUNT: &str = "LAB1_FLOW_AWS_ACCOUNT";
/// Names what may be spent, in US dollars.
pub(crate) const BUDGET: &str = "LAB1_FLOW_AWS_BUDGET_USD";

/// What the story may cost: the stack for an hour costs about one dollar, and it may stand for two.
const COSTS_USD: f64 = 2.0;

/// The explicit word of somebody.
#[derive(Debug, PartialEq)]
pub(crate) struct Permit {
    pub(crate) account: String,
}

impl Permit {
    /// Reads the two variables; whatever is missing or unclear is a refusal.
    pub(crate) fn read(account: Option<String>, budget: Option<String>) -> Result<Self, String> {
        let account = account.ok_or(format!("set {ACCOUNT} to the account that may be used"))?;
        if account.len() != 12 || !account.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(format!("{ACCOUNT} must be twelve digits, and is {account:?}"));
        }
        let budget = budget.ok_or(format!("set {BUDGET} to what may be spent, in dollars"))?;
        match budget.parse::<f64>() {
            Ok(dollars) if dollars >= COSTS_USD => Ok(Self { account }),
            Ok(_) => Err(format!("{BUDGET} is {budget}, and this may cost {COSTS_USD} dollars")),
            Err(_) => Err(format!("{BUDGET} must be a number of dollars, and is {budget:?}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(account: Option<&str>, budget: Option<&str>) -> Result<Permit, String> {
        Permit::read(account.map(str::to_owned), budget.map(str::to_owned))
    }

    #[test]
    fn a_real_account_is_refused_without_an_account_and_a_sufficient_budget() {
        let account = Some("123456789012");
        for (account, budget) in [
            (None, Some("5")),
            (account, None),
            (Some("12345678901"), Some("5")),
            (Some("a23456789012"), Some("5")),
            (account, Some("1.99")),
            (account, Some("much")),
            (account, Some("NaN")),
        ] {
            assert!(read(account, budget).is_err(), "{account:?} {budget:?}");
        }
        assert_eq!(read(account, Some("2")), Ok(Permit { account: "123456789012".to_owned() }));
    }
}
