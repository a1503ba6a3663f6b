//! The Hugging Face hub: which files a set has, and their downloads, which stay in the cache.
//!
//! By reqwest and not by the crate `hf-hub`: its downloads have no time limit, nothing can end them, and a body that
//! ends early may be taken for a whole file.

use crate::{files, redact, tokenizer::caches};
use reqwest::{Client, Response, StatusCode, header};
use serde::Deserialize;
use serde_json::Value;
use std::{
    env, fs,
    fs::File,
    io::{self, Write},
    path::{Component, Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};
use tokio::{runtime::Runtime, select, time};

const HUB: &str = "https://huggingface.co";

/// The limit on connecting.
const CONNECT: Duration = Duration::from_secs(10);

/// The silence of a hub after which a download is given up.
const SILENCE: Duration = Duration::from_secs(30);

/// Bytes of a list of files.
const LONGEST_LIST: usize = 64 << 20;

/// How often it is looked whether the plan is still wanted.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// A set at one of its commits. This is also what is kept of the list in the cache: there a set whose files are not all
/// downloaded must not look like a smaller one.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(super) struct Listing {
    pub(super) sha: String,
    siblings: Vec<Sibling>,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
struct Sibling {
    rfilename: String,
}

impl Listing {
    pub(super) fn names(self) -> Vec<String> {
        let names = self.siblings.into_iter().map(|file| file.rfilename);
        names.collect()
    }
}

/// What asks the hub.
pub(super) struct Hub<'a> {
    endpoint: String,
    cache: PathBuf,
    token: Option<String>,
    silence: Duration,
    /// Once another thread sets it, nothing is waited for any more.
    unwanted: Option<&'a AtomicBool>,
    client: Client,
    /// There until it is dropped.
    runtime: Option<Runtime>,
}

impl Drop for Hub<'_> {
    fn drop(&mut self) {
        // A resolver that does not answer must not hold up a run that has ended.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl<'a> Hub<'a> {
    /// The one that the environment names, with the user's token if there is one.
    pub(super) fn of_environment(unwanted: Option<&'a AtomicBool>) -> Result<Self, String> {
        let variable = |name| env::var(name).ok().filter(|value| !value.is_empty());
        let endpoint = variable("HF_ENDPOINT").unwrap_or_else(|| HUB.to_owned());
        let caches = caches(|name| env::var_os(name));
        let cache = caches
            .into_iter()
            .next()
            .ok_or("there is no folder for its files. Set HF_HOME")?;
        let file = variable("HF_TOKEN_PATH").map(PathBuf::from);
        let file = file.or_else(|| Some(cache.parent()?.join("token")));
        let token = variable("HF_TOKEN").or_else(|| fs::read_to_string(file?).ok());
        let token = token.map(|token| token.trim().to_owned());
        Hub::at(&endpoint, cache, token, unwanted)
    }

    pub(super) fn at(
        endpoint: &str,
        cache: PathBuf,
        token: Option<String>,
        unwanted: Option<&'a AtomicBool>,
    ) -> Result<Self, String> {
        redact::learn(token.as_deref().unwrap_or_default());
        // Fails only when a provider is installed already, which is as good.
        let _ = tokio_rustls::rustls::crypto::ring::default_provider().install_default();
        let builder = Client::builder()
            .user_agent(concat!("goodput/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        Ok(Hub {
            endpoint: endpoint.trim_end_matches('/').to_owned(),
            cache,
            token: token.filter(|token| !token.is_empty()),
            silence: SILENCE,
            unwanted,
            client: builder.build().map_err(|e| e.to_string())?,
            runtime: Some(runtime.map_err(|e| e.to_string())?),
        })
    }

    /// The same hub with another cache, which has a part of a set already.
    pub(super) fn with_cache(mut self, cache: PathBuf) -> Self {
        self.cache = cache;
        self
    }

    #[cfg(test)]
    pub(super) fn with_silence(mut self, silence: Duration) -> Self {
        self.silence = silence;
        self
    }

    /// The files of a set at a revision.
    pub(super) fn list(&self, id: &str, revision: &str) -> Result<Listing, String> {
        let revision = revision.replace('/', "%2F");
        let url = format!("{}/api/datasets/{id}/revision/{revision}", self.endpoint);
        let body = self.wait(async {
            let mut response = self.get(&url).await?;
            let mut body = Vec::new();
            while let Some(piece) = self.piece(&url, &mut response).await? {
                if body.len() + piece.len() > LONGEST_LIST {
                    return Err(format!("{url} answers with more than {LONGEST_LIST} bytes"));
                }
                body.extend_from_slice(&piece);
            }
            Ok(body)
        })?;
        let listing: Listing = serde_json::from_slice(&body)
            .map_err(|e| format!("{url} does not answer with a list of files: {e}"))?;
        // They become parts of paths.
        let is_plain = |name: &str| {
            let mut parts = Path::new(name).components();
            !name.is_empty() && parts.all(|part| matches!(part, Component::Normal(_)))
        };
        let is_one = Path::new(&listing.sha).components().count() == 1;
        let all_plain = listing
            .siblings
            .iter()
            .all(|file| is_plain(&file.rfilename));
        if is_plain(&listing.sha) && is_one && all_plain {
            // What cannot be kept is asked for again.
            let _ = self.keep(id, &listing, &body);
            Ok(listing)
        } else {
            Err(format!("{url} names files that lead out of their folder"))
        }
    }

    /// Keeps a list, so that the set's files in the cache are not taken for all.
    fn keep(&self, id: &str, listing: &Listing, body: &[u8]) -> io::Result<()> {
        let folder = set_in(&self.cache, id);
        files::replace(&kept_list(&folder, &listing.sha), |file| {
            file.write_all(body)
        })
    }

    /// The path of a file in the cache, where it is downloaded to if it is not there.
    pub(super) fn fetch(&self, id: &str, sha: &str, name: &str) -> Result<PathBuf, String> {
        let folder = set_in(&self.cache, id);
        let path = folder.join("snapshots").join(sha).join(name);
        if path.is_file() {
            return Ok(path);
        }
        let url = format!("{}/datasets/{id}/resolve/{sha}/{name}", self.endpoint);
        let mut why = None;
        // It is there as a whole or not at all.
        let written = files::replace(&path, |file| {
            self.wait(self.download(&url, file)).map_err(|e| {
                why = Some(e.clone());
                io::Error::other(e)
            })
        });
        match (written, why) {
            (Ok(()), _) => {}
            (Err(_), Some(why)) => return Err(why),
            (Err(e), None) => return Err(format!("cannot write {}: {e}", path.display())),
        }
        let main = folder.join("refs/main");
        if !main.exists() {
            // Without it, the only commit in the cache is the one that counts.
            let _ = files::replace(&main, |file| file.write_all(sha.as_bytes()));
        }
        Ok(path)
    }

    async fn download(&self, url: &str, file: &mut File) -> Result<(), String> {
        let mut response = self.get(url).await?;
        let told = response.content_length();
        let in_chunks = response.headers().contains_key(header::TRANSFER_ENCODING);
        if told.is_none() && !in_chunks {
            return Err(format!(
                "{url} does not state the length of the file, so goodput cannot check that it is \
                 whole"
            ));
        }
        while let Some(piece) = self.piece(url, &mut response).await? {
            file.write_all(&piece)
                .map_err(|e| format!("what {url} sends cannot be written: {e}"))?;
        }
        Ok(())
    }

    /// The next bytes of a body.
    async fn piece(
        &self,
        url: &str,
        response: &mut Response,
    ) -> Result<Option<bytes::Bytes>, String> {
        match time::timeout(self.silence, response.chunk()).await {
            Ok(piece) => piece.map_err(|e| broken(url, e)),
            Err(_) => Err(self.silent(url)),
        }
    }

    async fn get(&self, url: &str) -> Result<Response, String> {
        let mut request = self.client.get(url);
        if let Some(token) = &self.token {
            // Where another host takes over, reqwest leaves it out.
            request = request.bearer_auth(token);
        }
        let response = time::timeout(self.silence, request.send()).await;
        let response = response
            .map_err(|_| self.silent(url))?
            .map_err(|e| broken(url, e))?;
        match response.status() {
            status if status.is_success() => Ok(response),
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN if self.token.is_none() => {
                Err(format!(
                    "{url} answers {}. A set that is not public needs a token: set HF_TOKEN",
                    response.status()
                ))
            }
            status => Err(format!("{url} answers {status}")),
        }
    }

    fn silent(&self, url: &str) -> String {
        let seconds = self.silence.as_secs_f64();
        format!("{url} has sent nothing for {seconds} s")
    }

    /// Waits on a thread of its own, as the caller's may have a runtime already.
    fn wait<T: Send>(
        &self,
        ask: impl Future<Output = Result<T, String>> + Send,
    ) -> Result<T, String> {
        let Some(runtime) = &self.runtime else {
            return Err("goodput does not ask again".to_owned());
        };
        let unwanted = async {
            let is_set = |flag: &AtomicBool| flag.load(Ordering::Relaxed);
            while !self.unwanted.is_some_and(is_set) {
                time::sleep(LOOK_EVERY).await;
            }
        };
        let asked = || {
            runtime.block_on(async {
                select! {
                    biased;
                    () = unwanted => Err("the run ended before the plan was ready".to_owned()),
                    answer = ask => answer,
                }
            })
        };
        thread::scope(|scope| scope.spawn(asked).join())
            .unwrap_or_else(|_| Err("asking it panicked".to_owned()))
    }
}

/// The folder of a set in a cache.
pub(super) fn set_in(cache: &Path, id: &str) -> PathBuf {
    cache.join(format!("datasets--{}", id.replace('/', "--")))
}

/// Where the list of a commit's files is kept in a set's folder.
fn kept_list(set: &Path, sha: &str) -> PathBuf {
    set.join("goodput").join(format!("{sha}.json"))
}

/// The list that was kept when the first of its files was downloaded.
pub(super) fn listed(set: &Path, sha: &str) -> Option<Listing> {
    let text = files::text::read_own(&kept_list(set, sha)).ok()?;
    let list: Value = serde_json::from_str(&text).ok()?;
    let listing = Listing::deserialize(list).ok()?;
    (listing.sha == sha).then_some(listing)
}

/// What reqwest met; the reason stands at the end of the chain. The address may be one with a credential in it, which a
/// redirect led to.
fn broken(url: &str, error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut cause: &dyn std::error::Error = &error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    format!("{url}: {cause}")
}
