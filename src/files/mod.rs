//! How files are read ([`text`]: in any usual encoding, and none without end) and written, so that nothing measured is lost: a file is replaced as a whole or stays as it
//! was ([`replace`]), a line is added in one locked write ([`append`]), and so is a part
//! that grows ([`Section`]), several writers of one folder
//! take turns ([`Turn`]), and all of it is checked before the run ([`check`]).

mod append;
mod name;
mod place;
mod section;
pub(crate) mod text;
mod turn;
mod whole;

pub(crate) use append::append;
pub(crate) use name::fitting;
pub(crate) use place::{is_stream, same};
pub(crate) use section::Section;
pub(crate) use turn::Turn;
#[cfg(feature = "cli")]
pub(crate) use whole::{add, rescue};
pub(crate) use whole::{check, check_folder, replace};
