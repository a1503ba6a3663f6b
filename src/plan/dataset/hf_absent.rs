//! What stands in for the hub's datasets in a build without them.

use super::{PlanError, PlanSpec, Samples};
use goodput_grammar::dataset::Hf;

pub(super) fn sample(set: &Hf, _: &PlanSpec<'_>) -> Result<Samples, PlanError> {
    Err(PlanError::new(format!(
        "hf(\"{}\"): datasets of the Hugging Face hub need goodput's feature `hf`. Add it in \
         Cargo.toml: goodput = {{ version = \"{}\", features = [\"hf\"] }}; for the command: cargo \
         install goodput --features cli,hf",
        set.path.display(),
        env!("CARGO_PKG_VERSION")
    )))
}
