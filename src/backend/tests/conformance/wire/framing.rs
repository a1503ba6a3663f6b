//! What an answer is wrapped in: heads, chunks, codings, and what is not HTTP at all.

use super::served::{Close, HEAD, ReadBody, chunk, chunked, drive, each, succeeded, write};
use rstest::rstest;

#[rstest]
#[case::plain("", "0\r\n\r\n", 1)]
#[case::long_extension(
    ";chunk-signature=0123456789abcdef0123456789abcdef0123456789abcdef",
    "0;last\r\n\r\n",
    1
)]
#[case::trailers("", "0\r\nx-checksum: 12\r\nx-time: 5\r\n\r\n", 1)]
#[case::bytes_behind_it("", "0\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", 2)]
fn chunks(#[case] extension: &'static str, #[case] end: &'static str, #[case] connections: usize) {
    each(|backend, golden| {
        let answer = [&chunked(golden, extension)[..], end.as_bytes()].concat();
        let outcome = drive(backend, golden.stream, move |_| vec![write(&answer)]);
        succeeded(&outcome, &**backend, golden);
        assert_eq!(outcome.connections(), connections, "{}", backend.name());
    });
}

#[rstest]
#[case::length("HTTP/1.1 200 OK\r\ncontent-length: LENGTH\r\n\r\n", 1)]
#[case::interim(
    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: <a>\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: LENGTH\r\n\r\n",
    1
)]
#[case::old_and_kept(
    "HTTP/1.0 200 OK\r\nconnection: Keep-Alive\r\ncontent-length: LENGTH\r\n\r\n",
    1
)]
#[case::old("HTTP/1.0 200 OK\r\ncontent-length: LENGTH\r\n\r\n", 2)]
#[case::closing(
    "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: LENGTH\r\n\r\n",
    2
)]
#[case::identity(
    "HTTP/1.1 200 OK\r\ncontent-encoding: identity\r\ncontent-length: LENGTH\r\n\r\n",
    1
)]
fn heads(#[case] head: &'static str, #[case] connections: usize) {
    each(|backend, golden| {
        let head = head.replace("LENGTH", &golden.body.len().to_string());
        let answer = head + golden.body;
        let outcome = drive(backend, golden.stream, move |_| vec![write(&answer)]);
        succeeded(&outcome, &**backend, golden);
        assert_eq!(outcome.connections(), connections, "{}", backend.name());
    });
}

#[test]
fn until_the_connection_closes() {
    each(|backend, golden| {
        let answer = format!("{HEAD}\r\n{}", golden.body);
        let outcome = drive(backend, golden.stream, move |_| {
            vec![ReadBody, write(&answer), Close]
        });
        succeeded(&outcome, &**backend, golden);
    });
}

#[rstest]
#[case::gzip(
    "content-encoding: gzip\r\ncontent-length: 4",
    "content-encoding: gzip"
)]
#[case::zstd(
    "content-encoding: ZStd\r\ncontent-length: 4",
    "content-encoding: ZStd"
)]
#[case::twice(
    "content-encoding: identity\r\ncontent-encoding: br, gzip\r\ncontent-length: 4",
    "content-encoding: identity, br, gzip"
)]
#[case::on_the_way("transfer-encoding: gzip", "transfer-encoding: gzip")]
#[case::in_chunks("transfer-encoding: gzip, chunked", "transfer-encoding: gzip, chunked")]
#[case::in_two_lines(
    "Transfer-Encoding: deflate\r\nTransfer-Encoding: Chunked",
    "transfer-encoding: deflate, Chunked"
)]
fn what_is_compressed_is_named(#[case] coded: &'static str, #[case] told: &str) {
    each(|backend, golden| {
        for status in ["200 OK", "500 Oops"] {
            let body = b"4\r\n\x1f\x08\x01\x02\r\n0\r\n\r\n";
            let body = if coded.contains("hunked") {
                &body[..]
            } else {
                &body[3..7]
            };
            let head = format!("HTTP/1.1 {status}\r\n{coded}\r\n\r\n");
            let answer = [head.as_bytes(), body].concat();
            let outcome = drive(backend, golden.stream, move |_| {
                vec![ReadBody, write(&answer), Close]
            });
            let error = outcome.records[0].error.as_ref().unwrap();
            assert!(error.to_string().contains(told), "{error}");
            assert_eq!(error.hint().is_some(), status != "200 OK", "{error}");
        }
    });
}

/// An encoding that does not change the body is not a compression.
#[rstest]
#[case("transfer-encoding: identity, chunked")]
#[case("transfer-encoding: Chunked\r\ncontent-encoding: Identity")]
#[case("transfer-encoding: chunked\r\ncontent-encoding: ")]
fn what_is_only_framed_is_read(#[case] framed: &'static str) {
    each(|backend, golden| {
        let body = chunk(golden.body.as_bytes(), "");
        let head = format!("HTTP/1.1 200 OK\r\n{framed}\r\n\r\n");
        let answer = [head.as_bytes(), &body, b"0\r\n\r\n"].concat();
        let outcome = drive(backend, golden.stream, move |_| vec![write(&answer)]);
        succeeded(&outcome, &**backend, golden);
    });
}

#[rstest]
#[case::tls(b"\x15\x03\x01\x00\x02\x02\x46", "https://")]
#[case::http2(b"\x00\x00\x12\x04\x00\x00\x00\x00\x00", "HTTP/2")]
#[case::ssh(b"SSH-2.0-OpenSSH_9.2\r\n", "not HTTP")]
#[case::endless_size(
    b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
    "hexadecimal"
)]
fn what_is_not_this_protocol_is_named(#[case] bytes: &'static [u8], #[case] told: &str) {
    each(|backend, golden| {
        let outcome = drive(backend, golden.stream, move |_| vec![write(bytes)]);
        let error = outcome.records[0].error.as_ref().unwrap().to_string();
        assert!(error.contains(told), "{}: {error}", backend.name());
    });
}

#[rstest]
#[case::permanent(308)]
#[case::other(302)]
fn redirects_are_told_and_not_followed(#[case] status: u16) {
    each(|backend, golden| {
        let answer = format!(
            "HTTP/1.1 {status} R\r\nlocation: https://me:SECRET@other.example/x?key=SECRET\r\ncontent-length: 0\r\n\r\n"
        );
        let outcome = drive(backend, golden.stream, move |_| vec![write(&answer)]);
        let error = outcome.records[0].error.as_ref().unwrap().to_string();
        let told =
            error.contains(&status.to_string()) && error.contains("https://***@other.example/x.");
        assert!(told && !error.contains("SECRET"), "{error}");
        assert_eq!(outcome.connections(), 1);
    });
}
