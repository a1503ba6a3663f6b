//! `goodput sim`: the simulated server on a port.

use crate::{
    clock::on_real_time,
    exit_code,
    grammar::{
        self, duration,
        engine::EngineConfig,
        fault::{self, Fault},
        sim::{Cold, Script, Slowdown},
    },
    screen, signals,
    sim::{SimServer, serve_forever},
    tokenizer::{Tokenizer, TokenizerSpec},
};
use std::{future::pending, net::SocketAddr, process::ExitCode, sync::Arc, time::Duration};
use tokio::net::TcpListener;

/// Arguments of `goodput sim`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Address to listen on.
    #[arg(long, default_value = "127.0.0.1")]
    host: std::net::IpAddr,
    /// Port to listen on; 0 picks a free one.
    #[arg(long, default_value_t = 8000)]
    port: u16,
    /// Time from a request to its first token: `50ms`, `normal(50ms, 5ms)`, `lognormal(…)`, `gamma(…)`,
    /// `uniform(…)`, `exponential(…)`, or `empirical("run.json")`, which draws from a result file of
    /// `goodput serve --save-detailed` or of vLLM.
    #[arg(long, default_value = "50ms", value_parser = distribution)]
    ttft: grammar::sim::Distribution,
    /// Time between tokens, in the same forms as `--ttft`.
    #[arg(long, default_value = "10ms", value_parser = distribution)]
    itl: grammar::sim::Distribution,
    /// Time to first token that each prompt token adds, such as `50us`.
    #[arg(long, default_value = "0ms", value_parser = duration::parse)]
    prefill: Duration,
    /// How much slower tokens become under load: `2%` for each other request in flight, or `1.5x@64` for a
    /// linear slowdown that reaches 1.5 times at 64 requests in flight.
    #[arg(long, value_parser = grammar::sim::parse_slowdown)]
    slowdown: Option<Slowdown>,
    /// Coefficient of variation of the server's overall speed, drawn once from the seed, such as `4%`.
    #[arg(long, default_value = "0%", value_parser = grammar::sim::parse_noise)]
    noise: f64,
    /// How much slower it becomes while it runs, such as `20%/h`.
    #[arg(long, default_value = "0%/h", value_parser = grammar::growth::parse)]
    aging: f64,
    /// How slow it is at first, and when it is warm: `3x@20s`.
    #[arg(long, value_parser = grammar::sim::parse_cold)]
    cold: Option<Cold>,
    /// How the memory that its `/metrics` shows grows, such as `10%/h`.
    #[arg(long, default_value = "0%/h", value_parser = grammar::growth::parse)]
    leak: f64,
    /// Simulate an engine instead of those times, with its settings: `llama-3-8b@h100, max_num_seqs=64`.
    #[arg(long, conflicts_with_all = ["ttft", "itl", "prefill", "slowdown"], value_parser = engine)]
    engine: Option<Box<EngineConfig>>,
    /// Seed of the random draws.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Name of the served model.
    #[arg(long, default_value = "simulated")]
    model: String,
    /// Fault to inject; repeatable: `reset@5%`, `stall(2s)@req:10`, `status(429, retry_after =
    /// 3)@t:5s..10s`, `tokens_per_chunk(4)`, `crlf`, …
    #[arg(long = "fault", value_name = "FAULT", value_parser = faults)]
    faults: Vec<Faults>,
}

/// Faults of one `--fault`.
#[derive(Debug, Clone)]
struct Faults(Vec<Fault>);

fn faults(text: &str) -> Result<Faults, String> {
    fault::parse(text).map(Faults).map_err(|mistakes| {
        let each: Vec<_> = mistakes.iter().map(ToString::to_string).collect();
        each.join("; ")
    })
}

fn distribution(text: &str) -> Result<grammar::sim::Distribution, grammar::Mistake> {
    grammar::sim::parse_distribution(text)
}

fn engine(text: &str) -> Result<Box<EngineConfig>, String> {
    match grammar::sim::parse(&format!("engine = {text}")) {
        Ok(Script {
            engine: Some(engine),
            ..
        }) => Ok(engine),
        Ok(_) => Err("the engine is missing".to_owned()),
        Err(mistakes) => {
            let said: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
            Err(said.join("; "))
        }
    }
}

pub(super) fn run(args: Args) -> ExitCode {
    match serve(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            screen::error(&why);
            ExitCode::from(exit_code::UNUSABLE)
        }
    }
}

fn serve(args: Args) -> Result<(), String> {
    let script = Script {
        ttft: args.ttft,
        itl: args.itl,
        prefill: args.prefill,
        slowdown: args.slowdown,
        noise: args.noise,
        aging: args.aging,
        cold: args.cold.map(Box::new),
        leak: args.leak,
        engine: args.engine,
        seed: args.seed,
        model: args.model,
        faults: args
            .faults
            .into_iter()
            .flat_map(|faults| faults.0)
            .collect(),
    };
    let tokenizer = Tokenizer::load(&TokenizerSpec::default()).map_err(|e| e.to_string())?;
    let server = Arc::new(SimServer::new(script).tokenizer(tokenizer));
    if !server.problems().is_empty() {
        let problems = server.problems().iter();
        let each: Vec<String> = problems.map(|problem| format!("--{problem}")).collect();
        return Err(each.join("; "));
    }
    let address = SocketAddr::new(args.host, args.port);
    let served = on_real_time(async |clock| {
        let listener = TcpListener::bind(address).await.map_err(|e| {
            format!("cannot listen on {address}: {e}. Choose another with --host and --port")
        })?;
        let bound = listener.local_addr().map_err(|e| e.to_string())?;
        screen::out(format_args!(
            "goodput sim serves on http://{bound} (Ctrl-C ends it)"
        ));
        serve_forever(listener, server, clock, async {
            match signals::listen(None) {
                Ok(mut stop) => stop.requested().await,
                // Without handlers a signal ends the process as it always does.
                Err(_) => pending().await,
            }
        })
        .await;
        Ok(())
    });
    served.map_err(|e| format!("cannot start a runtime: {e}"))?
}
