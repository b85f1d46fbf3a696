//! Bodies that are sent bit by bit, with little of them in memory.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes};
use futures_core::Stream;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::task::spawn_blocking;

/// Bytes that are read at a time.
const CHUNK: u64 = 128 * 1024;
/// Chunks that wait for the client.
const WAITING: usize = 2;

struct Chunks(Receiver<io::Result<Bytes>>);

impl Stream for Chunks {
    type Item = io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_recv(cx)
    }
}

/// A body, and what it is fed by; it ends when that is dropped. `waiting` chunks may wait for the client.
pub(super) fn body(waiting: usize) -> (Sender<io::Result<Bytes>>, Body) {
    let (feed, chunks) = channel(waiting);
    (feed, Body::from_stream(Chunks(chunks)))
}

/// A part of a file. No thread is kept while the client takes its time.
pub(super) fn file(file: File, first: u64, bytes: u64) -> Body {
    let (feed, body) = body(WAITING);
    tokio::spawn(async move {
        let (mut file, mut at, end) = (file, first, first + bytes);
        while at < end {
            let n = CHUNK.min(end - at);
            let read = spawn_blocking(move || {
                let chunk = chunk(&mut file, at, n);
                (file, chunk)
            });
            let Ok((back, chunk)) = read.await else { return };
            file = back;
            let is_over = chunk.is_err();
            if feed.send(chunk).await.is_err() || is_over {
                return;
            }
            at += n;
        }
    });
    body
}

fn chunk(file: &mut File, at: u64, n: u64) -> io::Result<Bytes> {
    file.seek(SeekFrom::Start(at))?;
    let mut bytes = vec![0; n as usize];
    file.read_exact(&mut bytes)?;
    Ok(bytes.into())
}
