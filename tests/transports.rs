//! The same client over TCP, TLS and Unix sockets, against the simulation on the real clock.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use goodput::{
    Bench, Error, Simulation, Verdict,
    clock::{Clock, on_real_time},
    grammar::sim::Script,
    run::Timestamps,
    sim::{SimServer, serve_connection},
};
use std::{
    io::{Read, Write},
    sync::Arc,
    thread,
};
use tokio::net::TcpListener;
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        crypto::ring,
        pki_types::PrivateKeyDer,
        sign::{CertifiedKey, SingleCertAndKey},
    },
};

fn bench(target: &str) -> Bench {
    Bench::new("transport")
        .target(target)
        .dataset("random(input = 8, output = 3)")
        .model("m")
        .requests(6)
        .max_concurrency(2)
        .exclusive(false)
}

/// Serves in a thread that lives as long as the test process.
fn serve<F, Fut>(accept: F)
where
    F: FnOnce(Arc<SimServer>, Clock) -> Fut + Send + 'static,
    Fut: Future<Output = ()> + 'static,
{
    thread::spawn(move || {
        let server = Arc::new(SimServer::new(Script::default()));
        on_real_time(async |clock| accept(server, clock).await).unwrap();
    });
}

#[test]
fn tcp_on_the_real_clock() {
    let report = Bench::new("tcp")
        .target(Simulation::new().on_real_clock())
        .dataset("random(input = 8, output = 3)")
        .requests(6)
        .max_concurrency(2)
        .exclusive(false)
        .run_blocking()
        .unwrap();
    assert_eq!(report.verdict(), Verdict::NoVerdict, "{report}");
    // The server never sends a token early; the client never sees one before it was sent.
    assert!(report.ttft().min >= 50.0, "{report}");
    assert!(report.e2el().min >= 70.0, "{report}");
    let audit = &report.run().audit;
    if cfg!(target_os = "linux") {
        assert_eq!(audit.timestamps, Timestamps::Kernel);
        // The end of a connection has no time of the kernel's.
        assert!(audit.reads.by_kernel > audit.reads.at_read, "{audit:?}");
        assert_eq!(audit.reads.clock_steps, 0);
    } else {
        assert_eq!(audit.timestamps, Timestamps::Monotonic);
    }
    // The server's own count, by its /metrics.
    let server = audit.server_ttft.unwrap();
    assert_eq!(server.count, 6);
    let here = report.metrics().latency.ttft.mean;
    assert!((49.0..=here + 1.0).contains(&server.mean_ms), "{server:?}");
    assert!(report.client().contains("by its /metrics"), "{report}");
}

#[cfg(unix)]
#[test]
fn unix_socket() {
    use tokio::net::UnixListener;

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s");
    let listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
    listener.set_nonblocking(true).unwrap();
    serve(|server, clock| async move {
        let listener = UnixListener::from_std(listener).unwrap();
        while let Ok((stream, _)) = listener.accept().await {
            tokio::task::spawn_local(serve_connection(stream, server.clone(), clock.clone()));
        }
    });
    let report = bench(&format!("unix:{}", path.display()))
        .run_blocking()
        .unwrap();
    assert_eq!(report.completed(), 6, "{report}");
    assert_eq!(report.run().records[0].events.len(), 3);
}

#[test]
fn tls_is_verified_unless_told_otherwise() {
    let certified = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(certified.signing_key.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certified.cert.der().clone()], key)
        .unwrap();
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    listener.set_nonblocking(true).unwrap();
    let url = format!(
        "https://localhost:{}",
        listener.local_addr().unwrap().port()
    );
    serve(|server, clock| async move {
        let listener = TcpListener::from_std(listener).unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        while let Ok((stream, _)) = listener.accept().await {
            let (acceptor, server, clock) = (acceptor.clone(), server.clone(), clock.clone());
            tokio::task::spawn_local(async move {
                if let Ok(stream) = acceptor.accept(stream).await {
                    let _ = serve_connection(stream, server, clock).await;
                }
            });
        }
    });
    let refused = bench(&url).run_blocking().unwrap_err();
    assert!(matches!(refused, Error::Dial(_)), "{refused}");
    assert!(refused.to_string().contains("certificate"), "{refused}");

    let report = bench(&url).insecure(true).run_blocking().unwrap();
    assert_eq!(report.completed(), 6, "{report}");
}

/// What `openssl x509` makes unless told otherwise, and curl's `-k` takes.
#[test]
fn insecure_takes_certificates_of_version_1() {
    let certificate = include_bytes!("../fixtures/tls/v1.cert.der");
    let key = include_bytes!("../fixtures/tls/v1.key.der");
    let key = PrivateKeyDer::try_from(&key[..]).unwrap();
    let key = ring::sign::any_supported_type(&key).unwrap();
    let certified = CertifiedKey::new(vec![certificate.to_vec().into()], key);
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(SingleCertAndKey::from(certified)));
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    serve(move |server, clock| async move {
        let listener = TcpListener::from_std(listener).unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        while let Ok((stream, _)) = listener.accept().await {
            // Apart: a connection whose handshake the client leaves lying must not hold up the others.
            let (acceptor, server, clock) = (acceptor.clone(), server.clone(), clock.clone());
            tokio::task::spawn_local(async move {
                if let Ok(stream) = acceptor.accept(stream).await {
                    let _ = serve_connection(stream, server, clock).await;
                }
            });
        }
    });
    let url = format!("https://127.0.0.1:{port}");
    let report = bench(&url).insecure(true).run_blocking().unwrap();
    assert_eq!(report.completed(), 6, "{report}");
    assert!(bench(&url).run_blocking().is_err());
}

/// A server of the other kind behind the port.
#[test]
fn plain_http_behind_an_https_target_is_named() {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let answer = "HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n";
            let _ = stream.write_all(answer.as_bytes());
            // What was sent is read, or the answer would be lost with the connection.
            let _ = stream.read(&mut [0; 4096]);
        }
    });
    let error = bench(&url).run_blocking().unwrap_err().to_string();
    assert!(
        error.contains("does not speak TLS") && error.contains("http://"),
        "{error}"
    );
}

/// The kernel stamps from the first read on, although nobody asked for it before.
#[cfg(target_os = "linux")]
#[test]
fn the_first_reads_have_kernel_times() {
    for _ in 0..5 {
        let report = Bench::new("short")
            .target(Simulation::new().on_real_clock())
            .dataset("random(input = 4, output = 2)")
            .requests(1)
            .exclusive(false)
            .run_blocking()
            .unwrap();
        let record = &report.run().records[0];
        assert_eq!(record.timestamps, Some(Timestamps::Kernel), "{report}");
        assert_eq!(report.run().audit.reads.clock_steps, 0);
    }
}

/// The server accepts, but never takes part in the TLS handshake.
#[test]
fn connecting_has_its_own_timeout() {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let url = format!(
        "https://127.0.0.1:{}",
        listener.local_addr().unwrap().port()
    );
    let bench = bench(&url).connect_timeout("20ms");
    let at_once = bench.clone().run_blocking().unwrap_err().to_string();
    assert!(at_once.contains("no connection within 20 ms"), "{at_once}");
    let waiting = bench
        .ready_timeout("1s")
        .run_blocking()
        .unwrap_err()
        .to_string();
    assert!(
        waiting.contains("not ready within 1 s") && waiting.contains("no connection within 20 ms"),
        "{waiting}"
    );
}

#[test]
fn several_threads_share_a_plan() {
    let bench = |workers| {
        Bench::new("shared")
            .target(Simulation::new().on_real_clock())
            .backend("openai")
            .dataset("random(input = 8, output = 4)")
            .rate(200)
            .requests(60)
            .max_concurrency(7)
            .workers(workers)
            .max_lateness("10s")
    };
    let report = bench(3).run_blocking().unwrap();
    let run = report.run();
    assert_eq!(report.completed(), 60, "{report}");
    assert!(run.records.iter().map(|r| r.index).eq(0..60));
    let peak = report.metrics().peaks.exact_concurrent_requests;
    assert!(peak <= 7, "{peak}");
    // More threads than slots would leave some without one.
    assert_eq!(bench(50).run_blocking().unwrap().completed(), 60);
    // On virtual time there is one thread, whatever was asked.
    let simulated = bench(3).target("sim(ttft = 10ms)").run_blocking().unwrap();
    assert_eq!(simulated.completed(), 60);
}
