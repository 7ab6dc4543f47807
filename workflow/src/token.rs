//! Idempotency tokens: derived, never drawn.

use lab1_flow_journal::{ActionName, RunId, StepName};

/// The token of an action: 32 characters of hexadecimal, the same in every process and on every attempt.
///
/// `generation` tells apart what a provider may remember: no action is executed again after its compensation in the same
/// run, so a run knows one generation only.
pub(crate) fn token(run: &RunId, step: &StepName, action: &ActionName, generation: u32) -> String {
    let text = format!("{run}/{step}/{action}/{generation}");
    let mut token = blake3::hash(text.as_bytes()).to_hex().to_string();
    token.truncate(32);
    token
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_depends_on_all_of_its_parts_and_on_nothing_else()
    -> Result<(), Box<dyn std::error::Error>> {
        let (run, step, action) = (RunId::new("r")?, StepName::new("s")?, ActionName::new("a")?);
        let one = token(&run, &step, &action, 0);
        assert_eq!(one, token(&run, &step, &action, 0));
        assert_eq!(one.len(), 32);
        assert_ne!(one, token(&RunId::new("q")?, &step, &action, 0));
        assert_ne!(one, token(&run, &StepName::new("t")?, &action, 0));
        assert_ne!(one, token(&run, &step, &ActionName::new("b")?, 0));
        assert_ne!(one, token(&run, &step, &action, 1));
        Ok(())
    }
}
