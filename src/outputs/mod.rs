//! Where results go besides the screen: files for CI and other tools, and the stream of events. The
//! renderers of [`report`](crate::report) make the texts; here they are asked for, checked before the
//! first request, and written.

mod file;
mod format;
mod session;
mod summary;

pub(crate) use file::Outputs;
pub(crate) use format::Format;
pub(crate) use session::{MessageFormat, Session};
