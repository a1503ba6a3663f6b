//! A relay that delays what goes there and what comes back by different times.

use std::{
    io::{Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::mpsc::channel,
    thread,
    time::{Duration, Instant},
};

/// Passes connections on, as long as the test process lives. Returns its address.
pub(crate) fn relay(to: SocketAddr, there: Duration, back: Duration) -> SocketAddr {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for near in listener.incoming() {
            let near = near.unwrap();
            thread::spawn(move || {
                // The server may come later.
                let mut far = TcpStream::connect(to);
                while far.is_err() {
                    thread::sleep(Duration::from_millis(20));
                    far = TcpStream::connect(to);
                }
                let far = far.unwrap();
                for stream in [&near, &far] {
                    stream.set_nodelay(true).unwrap();
                }
                pass(near.try_clone().unwrap(), far.try_clone().unwrap(), there);
                pass(far, near, back);
            });
        }
    });
    address
}

/// Writes each piece once it is old enough. Pieces do not wait for each other.
fn pass(mut from: TcpStream, mut to: TcpStream, delay: Duration) {
    let (sent, pieces) = channel::<(Instant, Vec<u8>)>();
    thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(length @ 1..) = from.read(&mut buffer) {
            let due = Instant::now() + delay;
            if sent.send((due, buffer[..length].to_vec())).is_err() {
                return;
            }
        }
    });
    thread::spawn(move || {
        for (due, piece) in pieces {
            thread::sleep(due.saturating_duration_since(Instant::now()));
            if to.write_all(&piece).is_err() {
                break;
            }
        }
        let _ = to.shutdown(Shutdown::Write);
    });
}

#[test]
fn each_way_has_its_delay() {
    let server = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let (there, back) = (Duration::from_millis(5), Duration::from_millis(60));
    let address = relay(server.local_addr().unwrap(), there, back);
    let mut near = TcpStream::connect(address).unwrap();
    let (mut far, _) = server.accept().unwrap();
    let took = |from: &mut TcpStream, to: &mut TcpStream| {
        let began = Instant::now();
        from.write_all(b"x").unwrap();
        to.read_exact(&mut [0]).unwrap();
        began.elapsed()
    };
    assert!(took(&mut near, &mut far) >= there);
    assert!(took(&mut far, &mut near) >= back);
}
