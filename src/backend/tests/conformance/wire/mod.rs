//! The golden answers of every backend through the measured client, in HTTP as it is written out there:
//! what counts as an answer, when it is over, and whether its connection is used again.

mod ends;
mod framing;
mod reuse;
mod served;
