//! Flags that say which server to measure.

use clap::ArgAction;

/// What is measured.
#[derive(Debug, clap::Args)]
pub(super) struct Server {
    /// Base URL of the server; wins over --host and --port. Several URLs share the requests, see --balance.
    #[arg(long, short = 'u', visible_alias = "url", num_args = 1.., action = ArgAction::Set, value_name = "URL")]
    base_url: Vec<String>,
    /// Host of the server.
    #[arg(long, default_value = "127.0.0.1")]
    host: String,
    /// Port of the server.
    #[arg(long, default_value_t = 8000)]
    port: u16,
    /// Anything else to measure: `unix:/path`, `env:NAME`, `sim(ttft = 50ms, itl = 10ms)`.
    #[arg(long, conflicts_with_all = ["base_url"])]
    target: Option<String>,
}

impl Server {
    /// The flag that names the target.
    pub(super) fn flag(&self) -> &'static str {
        match (&self.target, &self.base_url[..]) {
            (Some(_), _) => "--target",
            (None, [_, ..]) => "--base-url",
            (None, []) => "--host",
        }
    }

    pub(super) fn target(&self) -> String {
        if let Some(text) = &self.target {
            return text.clone();
        }
        if !self.base_url.is_empty() {
            return self.base_url.join(" ");
        }
        if self.host.contains(':') {
            format!("http://[{}]:{}", self.host, self.port)
        } else {
            format!("http://{}:{}", self.host, self.port)
        }
    }
}
