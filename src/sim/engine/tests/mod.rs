//! The engine against another implementation, against theory, and for what must always be true.

mod oracle;
mod play;
mod properties;
mod queueing;
