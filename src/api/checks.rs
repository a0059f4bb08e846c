//! Query parameters checked one by one, so that an answer can name every failed rule at once (R2).

use time::OffsetDateTime;

use super::problem::Problem;
use super::times;
use crate::domain::violation::Violation;

/// What was found wrong so far.
#[derive(Default)]
pub(super) struct Checks(Vec<Violation>);

impl Checks {
    /// The parameter as `read` understands it, or nothing: absent, or noted as wrong.
    pub(super) fn read<T>(
        &mut self,
        parameter: Option<&str>,
        read: impl FnOnce(&str) -> Result<T, Violation>,
    ) -> Option<T> {
        read(parameter?).map_err(|violation| self.0.push(violation)).ok()
    }

    /// Notes a failed rule.
    pub(super) fn fail(&mut self, violation: Violation) {
        self.0.push(violation);
    }

    /// The last thing that is checked, unless anything was wrong with it or before.
    pub(super) fn finish_with<T>(mut self, last: Result<T, Vec<Violation>>) -> Result<T, Problem> {
        match last {
            Ok(value) => self.finish().map(|()| value),
            Err(violations) => {
                self.0.extend(violations);
                Err(Problem::invalid(self.0))
            }
        }
    }

    /// A time that a parameter names.
    pub(super) fn time(&mut self, parameter: &'static str, text: Option<&str>) -> Option<OffsetDateTime> {
        self.read(text, |text| times::read(parameter, text))
    }

    /// Refuses the request when anything was wrong.
    pub(super) fn finish(self) -> Result<(), Problem> {
        if self.0.is_empty() { Ok(()) } else { Err(Problem::invalid(self.0)) }
    }
}
