//! The page's thread: takes messages, serves browsers.

use super::{
    door::{self, Asked},
    html,
    message::Message,
    running::Running,
    state::State,
    viewers::Viewers,
};
use crate::{
    clock::{Clock, on_real_time},
    screen,
};
use bytes::Bytes;
use futures_util::stream;
use http_body_util::{BodyExt, Full, StreamBody, combinators::UnsyncBoxBody};
use hyper::{
    Request, Response, StatusCode,
    body::{Frame, Incoming},
    header::{ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use std::{
    cell::{Cell, RefCell},
    convert::Infallible,
    future::pending,
    net::TcpListener as Listener,
    rc::Rc,
    sync::mpsc::{Receiver, TryRecvError},
    time::{Duration, Instant},
};
use tokio::{
    net::{TcpListener, TcpStream},
    select,
    sync::{Notify, mpsc},
    task::JoinSet,
};

/// The time between two looks at the messages.
const TICK: Duration = Duration::from_millis(100);

/// The time between two events to viewers.
const EVENT_EVERY: Duration = Duration::from_secs(1);

/// The most messages of one look, so that browsers are served in between.
const MOST_MESSAGES: usize = 20_000;

/// The most connections at a time; further ones wait.
const MOST_CONNECTIONS: usize = 32;

/// How long a browser may take to ask and to read, unless it watches.
const SLOWEST: Duration = Duration::from_secs(10);

/// How long the last event may take.
const FAREWELL: Duration = Duration::from_secs(1);

/// What the page may load and run.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src data:; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

type Body = UnsyncBoxBody<Bytes, Infallible>;

struct Page {
    state: RefCell<State>,
    viewers: RefCell<Viewers>,
    names: Vec<String>,
}

/// Serves until the last message.
pub(super) fn serve(listener: Listener, names: Vec<String>, messages: Receiver<Message>) {
    let served = on_real_time(async |clock| {
        let listener = TcpListener::from_std(listener)?;
        let page = Rc::new(Page {
            state: RefCell::default(),
            viewers: RefCell::default(),
            names,
        });
        serve_all(listener, &clock, &page, &messages).await;
        Ok(())
    });
    if let Err(e) | Ok(Err(e)) = served {
        screen::tell(format_args!("note: the live page has ended: {e}"));
    }
}

async fn serve_all(
    listener: TcpListener,
    clock: &Clock,
    page: &Rc<Page>,
    messages: &Receiver<Message>,
) {
    let mut connections = JoinSet::new();
    let mut next = clock.now();
    let mut said = Instant::now();
    loop {
        select! {
            biased;
            () = clock.sleep_until(next) => {
                next = clock.now().after(TICK);
                let news = page.take(messages);
                if page.state.borrow().over {
                    break;
                }
                if news || said.elapsed() >= EVENT_EVERY {
                    said = Instant::now();
                    page.say("now", false);
                }
            }
            Some(_) = connections.join_next() => {}
            accepted = listener.accept(), if connections.len() < MOST_CONNECTIONS => match accepted {
                Ok((stream, _)) => {
                    connections.spawn_local(serve_one(stream, page.clone(), clock.clone()));
                }
                // Usually there are no descriptors left: the run needs them more.
                Err(_) => next = next.max(clock.now().after(TICK)),
            },
        }
    }
    page.say("end", true);
    page.viewers.borrow_mut().leave();
    let left = async { while connections.join_next().await.is_some() {} };
    let _ = clock.timeout_at(clock.now().after(FAREWELL), left).await;
}

impl Page {
    /// Takes the messages that wait; returns whether a bench has begun or ended.
    fn take(&self, messages: &Receiver<Message>) -> bool {
        let mut state = self.state.borrow_mut();
        let mut news = false;
        for _ in 0..MOST_MESSAGES {
            match messages.try_recv() {
                Ok(Message::Request(record)) => {
                    if let Some(running) = &mut state.running {
                        running.ended(*record);
                    }
                }
                Ok(Message::Begin(subject, handed)) => {
                    state.running = Some(Running::new(*subject, handed));
                    news = true;
                }
                Ok(Message::Ended(bench)) => {
                    state.ended.push(*bench);
                    news = true;
                }
                Ok(Message::End) | Err(TryRecvError::Disconnected) => {
                    state.over = true;
                    break;
                }
                Err(TryRecvError::Empty) => break,
            }
        }
        if let Some(running) = &mut state.running {
            running.step(Instant::now());
        }
        news
    }

    /// Sends the state to all viewers. Without any nothing is made.
    fn say(&self, event: &str, last: bool) {
        let mut viewers = self.viewers.borrow_mut();
        if viewers.is_empty() {
            return;
        }
        let mut state = self.state.borrow_mut();
        if let Some(running) = &mut state.running {
            running.judge(Instant::now(), last);
        }
        viewers.say(&html::event(event, &state));
    }

    fn answer(
        &self,
        request: &Request<Incoming>,
        gone: &Rc<Notify>,
        watches: &Cell<bool>,
    ) -> Response<Body> {
        let path = request.uri().path();
        let asked = door::asked(request.method(), path, request.headers(), &self.names);
        match asked {
            Ok(Asked::Page) => {
                let page = html::page(&self.state.borrow());
                let mut response = whole("text/html; charset=utf-8", page);
                let headers = response.headers_mut();
                headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
                response
            }
            Ok(Asked::Style) => whole("text/css; charset=utf-8", html::STYLE),
            Ok(Asked::Script) => whole("text/javascript; charset=utf-8", html::SCRIPT),
            Ok(Asked::Events) => match self.viewers.borrow_mut().enter(gone.clone()) {
                Some(events) => {
                    watches.set(true);
                    let first = html::event("now", &self.state.borrow());
                    response("text/event-stream", streamed(first, events))
                }
                None => refusal(StatusCode::SERVICE_UNAVAILABLE),
            },
            Err(status) => refusal(status),
        }
    }
}

async fn serve_one(stream: TcpStream, page: Rc<Page>, clock: Clock) {
    let (gone, watches) = (Rc::new(Notify::new()), Cell::new(false));
    let service = service_fn(|request: Request<Incoming>| {
        let answer = page.answer(&request, &gone, &watches);
        async move { Ok::<_, Infallible>(answer) }
    });
    let connection = http1::Builder::new()
        // Each connection has one answer, so that its end is the end of the connection.
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service);
    let too_slow = async {
        clock.sleep_until(clock.now().after(SLOWEST)).await;
        if watches.get() {
            pending().await
        }
    };
    select! {
        // An error is a browser that has left.
        _ = connection => {}
        () = gone.notified() => {}
        () = too_slow => {}
    }
}

fn streamed(first: Bytes, events: mpsc::Receiver<Bytes>) -> Body {
    let events = stream::unfold((Some(first), events), |(first, mut events)| async move {
        let next = match first {
            Some(first) => first,
            None => events.recv().await?,
        };
        Some((Ok(Frame::data(next)), (None, events)))
    });
    StreamBody::new(events).boxed_unsync()
}

fn whole(kind: &'static str, text: impl Into<Bytes>) -> Response<Body> {
    response(kind, Full::new(text.into()).boxed_unsync())
}

fn refusal(status: StatusCode) -> Response<Body> {
    let mut response = whole("text/plain; charset=utf-8", format!("{status}\n"));
    if status == StatusCode::METHOD_NOT_ALLOWED {
        response
            .headers_mut()
            .insert(ALLOW, HeaderValue::from_static("GET"));
    }
    *response.status_mut() = status;
    response
}

fn response(kind: &'static str, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("cross-origin-resource-policy", "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}
