use super::{course::Schedule, *};
use crate::{
    judge::Criteria,
    metrics::testing::{record, run_of},
    observer::Silent,
    record::{Record, RequestError},
    report::testing::outcome,
};
use goodput_grammar::slo;
use reqwest::{StatusCode, header};
use std::time::Duration;

/// Nothing here takes so long, however busy the machine is.
const DEADLINE: Duration = Duration::from_secs(30);

fn monitor() -> Monitor {
    Monitor::start(&Bind::default()).unwrap()
}

fn subject(name: &str) -> Subject {
    let mut setup = run_of(vec![record(0, &[10, 20], 2)]).setup;
    setup.name = name.to_owned();
    setup.requests = 40;
    Subject {
        setup,
        schedule: Schedule::Rate(10.0),
        criteria: Some(Criteria {
            slos: slo::parse("p50(ttft) < 1s, errors <= 100%").unwrap(),
            ..Criteria::default()
        }),
    }
}

/// Sends forty requests, of which one fails with a text that must not be shown.
fn measure(observer: &dyn Observer) {
    for index in 0..40_u64 {
        observer.sent();
        let at = index * 100;
        let mut record = Record {
            index: index as usize,
            ..record(at, &[at + 50, at + 60, at + 80], 3)
        };
        if index == 39 {
            record.error = Some(RequestError::Status {
                status: 503,
                body: "the prompt was: SECRET".to_owned(),
            });
        }
        observer.finished(&record);
    }
}

fn on_a_runtime<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async { tokio::time::timeout(DEADLINE, work).await.unwrap() })
}

fn client() -> reqwest::Client {
    // The builder wants one, and http needs none.
    #[cfg(feature = "tls")]
    let _ = tokio_rustls::rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy().build().unwrap()
}

/// Reads a stream of events until one has this text.
async fn until(response: &mut reqwest::Response, text: &str) -> String {
    let mut read = String::new();
    while !read.contains(text) {
        let chunk = response.chunk().await.unwrap();
        let chunk = chunk.unwrap_or_else(|| panic!("the stream ended before {text}:\n{read}"));
        read += &String::from_utf8_lossy(&chunk);
    }
    read
}

#[test]
fn a_browser_sees_the_run_and_its_end() {
    let monitor = monitor();
    on_a_runtime(async {
        let events = client().get(monitor.url() + "events");
        let mut events = events.send().await.unwrap();
        assert_eq!(events.headers()[header::CONTENT_TYPE], "text/event-stream");
        until(&mut events, "Nothing is measured yet").await;
        let observer = monitor.watch(subject("chat <b>"), Arc::new(Silent));
        measure(&*observer);
        let seen = until(&mut events, "<td>39").await + &until(&mut events, "Over the run").await;
        assert!(seen.contains("so far: pass"), "{seen}");
        // Requests that are not sent yet spoil nothing.
        assert!(!seen.contains("so far: invalid"), "{seen}");
        assert!(
            seen.contains("chat &lt;b&gt;") && !seen.contains("<b>"),
            "{seen}"
        );
        assert!(seen.contains("<td>39</td>"), "{seen}");
        assert!(
            seen.contains("status") && !seen.contains("SECRET"),
            "{seen}"
        );
        assert!(seen.contains("p50(ttft) = 50"), "{seen}");
        monitor.ended(&outcome("fail"));
        until(&mut events, "chat_short: fail").await;
        let ending = thread::spawn(move || drop(monitor));
        let last = until(&mut events, "event: end").await;
        assert!(last.contains("event: end"), "{last}");
        // The whole last event arrives, then the stream ends.
        let mut rest = String::new();
        while let Some(chunk) = events.chunk().await.unwrap() {
            rest += &String::from_utf8_lossy(&chunk);
        }
        assert!((last + &rest).trim_end().ends_with("</section>"));
        ending.join().unwrap();
    });
}

#[test]
fn without_a_script_there_is_the_state_at_load() {
    let monitor = monitor();
    let observer = monitor.watch(subject("chat"), Arc::new(Silent));
    measure(&*observer);
    on_a_runtime(async {
        loop {
            let page = client().get(monitor.url()).send().await.unwrap();
            let policy = page.headers()[header::CONTENT_SECURITY_POLICY].clone();
            assert!(
                policy
                    .to_str()
                    .unwrap()
                    .starts_with("default-src 'none'; style-src 'self'")
            );
            assert_eq!(page.headers()[header::CACHE_CONTROL], "no-store");
            let text = page.text().await.unwrap();
            // The requests may be on their way.
            if text.contains("requests planned") && text.contains("<td>39</td>") {
                assert!(text.contains("<svg") && text.contains("live.js"), "{text}");
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        for file in ["style.css", "live.js"] {
            let answer = client().get(monitor.url() + file).send().await.unwrap();
            assert_eq!(answer.status(), StatusCode::OK);
        }
    });
}

#[test]
fn others_are_turned_away() {
    let monitor = monitor();
    on_a_runtime(async {
        let of = |request: reqwest::RequestBuilder| async { request.send().await.unwrap() };
        let post = of(client().post(monitor.url()).body("x")).await;
        assert_eq!(post.status(), StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(post.headers()[header::ALLOW], "GET");
        let rebound = client()
            .get(monitor.url())
            .header(header::HOST, "evil.example");
        assert_eq!(of(rebound).await.status(), StatusCode::MISDIRECTED_REQUEST);
        let nothing = of(client().get(monitor.url() + "secret")).await;
        assert_eq!(nothing.status(), StatusCode::NOT_FOUND);
    });
}

#[test]
fn one_viewer_too_many_is_refused() {
    let monitor = monitor();
    on_a_runtime(async {
        let enter = || client().get(monitor.url() + "events").send();
        let mut viewers = Vec::new();
        for _ in 0..viewers::MOST {
            let viewer = enter().await.unwrap();
            assert_eq!(viewer.status(), StatusCode::OK);
            viewers.push(viewer);
        }
        let refused = enter().await.unwrap();
        assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
        drop(viewers);
        // There is room again once the server has seen that they left.
        while enter().await.unwrap().status() != StatusCode::OK {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
}

/// The measuring thread never waits for the page.
#[test]
fn what_the_page_cannot_take_is_counted() {
    let (sender, receiver) = mpsc::sync_channel(2);
    let handed = Arc::new(Handed {
        sent: AtomicU64::new(0),
        left_out: AtomicU64::new(0),
    });
    let observer = Watching {
        handed: handed.clone(),
        sender,
        next: Arc::new(Silent),
    };
    measure(&observer);
    assert_eq!(
        handed.left_out.load(std::sync::atomic::Ordering::Relaxed),
        38
    );
    let mut running = running::Running::new(subject("chat"), handed);
    for message in receiver.try_iter() {
        let Message::Request(record) = message else {
            panic!()
        };
        running.ended(*record);
    }
    assert_eq!((running.completed, running.left_out()), (2, 38));
    assert_eq!((running.sent(), running.in_flight()), (40, 0));
}

/// A growing run sends the same places again; its records would be two runs in one.
#[test]
fn a_run_that_grows_has_no_verdict_before_its_end() {
    let handed = Arc::new(Handed {
        sent: AtomicU64::new(0),
        left_out: AtomicU64::new(0),
    });
    let mut running = running::Running::new(subject("chat"), handed);
    let request = |index| Record {
        index,
        ..record(0, &[10, 20], 2)
    };
    running.ended(request(0));
    running.judge(std::time::Instant::now(), false);
    assert!(running.so_far.is_some());
    running.ended(request(0));
    assert_eq!(running.so_far, None);
    assert!(running.subject.criteria.is_none());
    assert_eq!(running.completed, 2);
    assert_eq!(running.seconds(std::time::Instant::now()), 0.0);
}
