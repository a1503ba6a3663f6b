//! What a panic says.

use std::any::Any;

/// What was thrown.
pub(crate) type Panic = Box<dyn Any + Send>;

/// The message of the panic; the panic hook has printed where it was.
pub(crate) fn said(panic: &Panic) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("(no message)")
}
