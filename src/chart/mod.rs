//! Drawings: scales, ticks, axes and marks, as SVG. Nothing else knows about pixels.
//!
//! A [`Plot`] has two axes; [`Rows`] has one axis and a row for each thing. Both are given values in the units of their
//! axes, and both draw themselves so that they can be read
//!
//! * without a style sheet and without scripts: each mark has its colour as an attribute, and classes by which a sheet may
//!   replace it (see [`Ink`]);
//! * without colours: each series has a dash and a shape of its own;
//! * without eyes: `role="img"` with a title and a description;
//! * in a small file: lines lack the points that make no difference, and what marks have in common is said once.
//!
//! The same values give the same bytes.

mod axis;
mod field;
mod ink;
mod legend;
mod mark;
mod path;
mod plot;
mod px;
mod rows;
mod scale;
mod straight;
mod svg;
mod thin;

pub(crate) use axis::Axis;
pub(crate) use ink::Ink;
pub(crate) use mark::{Form, Mark};
pub(crate) use plot::Plot;
pub(crate) use rows::{Item, Row, Rows, Weight};
pub(crate) use scale::Spread;
pub(crate) use svg::{About, badge};
