//! What stands in for the hub's datasets in a build without them.

use super::{PlanError, PlanSpec, Samples};
use crate::feature::needed;
use goodput_grammar::dataset::Hf;

pub(super) fn sample(set: &Hf, _: &PlanSpec<'_>) -> Result<Samples, PlanError> {
    Err(PlanError::new(format!(
        "hf(\"{}\") {}",
        set.path.display(),
        needed!("hf")
    )))
}
