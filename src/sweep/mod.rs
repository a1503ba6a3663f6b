//! Sweeps: what varies, in which order it is measured, how long the rest takes, and the table of all cases. The
//! command and suites expand their own settings with it.

mod axes;
mod left;
mod order;
mod result;
mod table;

pub(crate) use axes::{Axis, MOST, Point, product, shown, size};
pub(crate) use left::{Left, Work};
pub(crate) use order::shuffled;
pub(crate) use result::result;
pub(crate) use table::{Row, Table, frame};
