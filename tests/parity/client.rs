//! The two clients, run with a case's arguments.

use super::{
    cases::Case,
    folder::Folder,
    recorder::{Recorder, Request},
};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

pub struct Client {
    program: OsString,
    before: &'static [&'static str],
    name: &'static str,
}

/// What became of a run.
pub struct Ran {
    pub stdout: String,
    pub result: Value,
    pub sent: BTreeMap<String, Vec<Request>>,
}

/// Where results go; the tokenizer lies there too, as a folder that vLLM reads.
pub fn folder() -> Folder {
    let folder = Folder::new("parity");
    fs::create_dir(folder.join("tokenizer")).unwrap();
    let embedded = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/src/tokenizer/embedded/tokenizer.json"
    );
    fs::copy(embedded, folder.join("tokenizer/tokenizer.json")).unwrap();
    let class = r#"{"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": "<|endoftext|>"}"#;
    fs::write(folder.join("tokenizer/tokenizer_config.json"), class).unwrap();
    folder
}

fn fixture(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures")
        .join(path)
}

impl Client {
    pub fn vllm(program: &OsStr) -> Self {
        Client {
            program: program.to_owned(),
            before: &["bench", "serve"],
            name: "vllm",
        }
    }

    pub fn goodput() -> Self {
        Client {
            program: env!("CARGO_BIN_EXE_goodput").into(),
            // vLLM aligns fewer prompts with the server's tokenizer, and less exactly.
            before: &["serve", "--no-align-prompts"],
            name: "goodput",
        }
    }

    pub fn run(&self, case: &Case, recorder: Recorder, folder: &Path) -> Ran {
        let file = format!("{}-{}.json", case.name, self.name);
        let mut command = Command::new(&self.program);
        command.args(self.before);
        command.args([
            "--host",
            "127.0.0.1",
            "--port",
            &recorder.address.port().to_string(),
        ]);
        command
            .args(["--model", "simulated", "--tokenizer"])
            .arg(folder.join("tokenizer"));
        command.args(["--request-id-prefix", "r-", "--disable-tqdm"]);
        command.args([
            "--save-result",
            "--save-detailed",
            "--result-filename",
            &file,
        ]);
        command.arg("--result-dir").arg(folder);
        command.args(["--endpoint", case.endpoint]);
        for argument in case.flags.split_whitespace() {
            match argument.strip_prefix("fixture:") {
                Some(path) => command.arg(fixture(path)),
                None => command.arg(argument),
            };
        }
        command.env_remove("OPENAI_API_KEY");
        command.envs([("HF_HUB_OFFLINE", "1"), ("VLLM_LOGGING_LEVEL", "ERROR")]);
        let output = command.output().unwrap_or_else(|e| {
            let program = self.program.display();
            panic!("cannot start `{program}`: {e}; GOODPUT_VLLM tells where vLLM is")
        });
        let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
        let result = fs::read(folder.join(&file)).unwrap_or_else(|e| {
            let (out, err) = (text(&output.stdout), text(&output.stderr));
            panic!("{} of {}: {e}\n{out}\n{err}", self.name, case.name)
        });
        Ran {
            stdout: text(&output.stdout),
            result: serde_json::from_slice(&result).unwrap(),
            sent: recorder.requests(case.endpoint),
        }
    }
}
