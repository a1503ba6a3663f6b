//! Reads and writes files so that no measurement is lost. [`text`] reads text in any usual encoding, up to
//! a size limit. [`replace`] writes a file completely or leaves it as it was, [`append`] adds a line in one
//! locked write, and [`Section`] is a part of a file that grows. [`Turn`] makes several writers of one
//! folder take turns, and [`check`] finds unwritable files before the run.

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
