//! Ctrl-C.

use crate::{client::Stop, error::Error, screen};

/// The first Ctrl-C ends the run, the second the process.
pub(super) fn end_on_ctrl_c() -> Result<Stop, Error> {
    let (stopper, stop) = Stop::pair();
    let wait = move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .build();
        // Without a runtime there is no handler, and Ctrl-C ends the process as it always does.
        if let Ok(runtime) = runtime {
            runtime.block_on(async {
                if tokio::signal::ctrl_c().await.is_ok() {
                    stopper.stop();
                    screen::err("ending the run; press Ctrl-C again to quit without a report");
                    let _ = tokio::signal::ctrl_c().await;
                    #[cfg(unix)]
                    crate::target::kill_all();
                    std::process::exit(130);
                }
            });
        }
    };
    std::thread::Builder::new()
        .name("ctrl-c".to_owned())
        .spawn(wait)
        .map_err(Error::io("cannot wait for Ctrl-C"))?;
    Ok(stop)
}
