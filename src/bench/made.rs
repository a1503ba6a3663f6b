//! What is made before requests can be sent, and may take minutes: tokenizers, datasets, prompts. A thread of its own
//! makes it, so that a run that should end waits for no file and no prompt.

use crate::{error::Error, stop::Stop};
use std::{
    panic,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{RecvTimeoutError, sync_channel},
    },
    thread,
    time::Duration,
};

/// How often to look whether the run should end.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// The result of `make`, unless the run should end first. Then its flag is set, and the rest is abandoned.
pub(super) fn made<T: Send + 'static>(
    stop: &Stop,
    make: impl FnOnce(&AtomicBool) -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    let unwanted = Arc::new(AtomicBool::new(false));
    let (done, product) = sync_channel(1);
    let flag = unwanted.clone();
    let maker = thread::Builder::new()
        .name("goodput plan".to_owned())
        .spawn(move || {
            let _ = done.send(make(&flag));
        })
        .map_err(Error::io("cannot start the thread that makes the plan"))?;
    loop {
        match product.recv_timeout(LOOK_EVERY) {
            Ok(product) => return product,
            Err(RecvTimeoutError::Timeout) if stop.is_requested() => {
                unwanted.store(true, Ordering::Relaxed);
                return Err(Error::ended("made its plan"));
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => match maker.join() {
                Err(panicked) => panic::resume_unwind(panicked),
                Ok(()) => return Err(Error::Target("the plan was not made".to_owned())),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_wanted_any_more_is_not_waited_for() {
        let (stopper, stop) = Stop::pair();
        assert_eq!(made(&stop, |_| Ok(3)).unwrap(), 3);
        let (told, hears) = sync_channel(0);
        let forever = move |unwanted: &AtomicBool| {
            stopper.stop();
            while !unwanted.load(Ordering::Relaxed) {
                thread::sleep(Duration::from_millis(1));
            }
            told.send(()).unwrap();
            Ok(())
        };
        let error = made(&stop, forever).unwrap_err();
        assert!(matches!(error, Error::Ended(_)), "{error}");
        hears.recv_timeout(Duration::from_secs(60)).unwrap();
    }

    #[test]
    #[should_panic(expected = "of the maker")]
    fn a_panic_is_passed_on() {
        let _ = made::<()>(&Stop::never(), |_| panic!("of the maker"));
    }
}
