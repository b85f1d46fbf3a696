//! Notes on the disk what an upstream has acknowledged, on a thread of its own: a disk that stalls does not keep the upstream
//! from being sent what comes.

use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::Duration;

use forewarn_domain::Report;
use rusqlite::params;

use super::{Outbox, Receipt, held, owed};

/// How long the disk may take before the upstream goes on without that.
const PATIENCE: Duration = Duration::from_secs(2);

/// The way to the thread, which ends when this is dropped.
#[derive(Debug)]
pub(super) struct Noter {
    ask: SyncSender<Vec<Receipt>>,
    done: Receiver<Result<u32, String>>,
    /// What the thread is at work on.
    asked: Vec<Receipt>,
}

/// What became of receipts.
pub(super) enum Noted {
    /// They are on the disk, and so many owed reports were queued for it.
    Done { receipts: Vec<Receipt>, paid: u32 },
    /// The disk refused them.
    Refused(String),
    /// The disk takes long over them, or over earlier ones.
    Waits,
}

impl Noter {
    /// Starts the thread.
    pub(super) fn start(outbox: Outbox, upstream: &str) -> std::io::Result<Self> {
        let (ask, asked) = sync_channel::<Vec<Receipt>>(1);
        let (tell, done) = sync_channel(1);
        let name = upstream.to_owned();
        let work = move || {
            for receipts in asked {
                if tell.send(note(&outbox, &name, &receipts)).is_err() {
                    return;
                }
            }
        };
        std::thread::Builder::new().name(format!("acks-{upstream}")).spawn(work)?;
        Ok(Self { ask, done, asked: Vec::new() })
    }

    /// Notes receipts, unless earlier ones are still being noted.
    pub(super) fn note(&mut self, receipts: Vec<Receipt>) -> Noted {
        let mut patience = Duration::ZERO;
        if self.asked.is_empty() {
            if receipts.is_empty() || self.ask.try_send(receipts.clone()).is_err() {
                return Noted::Waits;
            }
            (self.asked, patience) = (receipts, PATIENCE);
        }
        match self.done.recv_timeout(patience) {
            Ok(Ok(paid)) => Noted::Done { receipts: std::mem::take(&mut self.asked), paid },
            Ok(Err(why)) => {
                self.asked.clear();
                Noted::Refused(why)
            }
            Err(RecvTimeoutError::Timeout) => Noted::Waits,
            Err(RecvTimeoutError::Disconnected) => Noted::Refused("the thread that notes them has ended".to_owned()),
        }
    }
}

fn note(outbox: &Outbox, upstream: &str, receipts: &[Receipt]) -> Result<u32, String> {
    let noted = outbox.write("take out what was acknowledged", |tx, outbox| {
        let mut delete = tx.prepare_cached("DELETE FROM deliveries WHERE upstream = ?1 AND seq = ?2")?;
        // What was sent from memory has another place on the disk.
        let mut find = tx.prepare_cached("SELECT seq FROM messages WHERE incident = ?1 AND sequence = ?2")?;
        // It may have been postponed while it was on its way.
        let mut settle = tx.prepare_cached(
            "DELETE FROM owed WHERE upstream = ?1 AND incident = ?2
             AND (SELECT last_sequence FROM incidents WHERE id = ?2) <= ?3",
        )?;
        for receipt in receipts {
            let mut places = vec![receipt.seq];
            if held::is_in_memory(receipt.seq) {
                let found = find.query_map(params![receipt.incident.as_str(), receipt.sequence], |row| row.get(0))?;
                places = found.collect::<rusqlite::Result<_>>()?;
            }
            for place in places {
                delete.execute(params![upstream, place])?;
            }
            // A step of the case, or a seal, tells nothing of the state that is owed.
            if receipt.sequence < Report::FIRST_CASE_STEP {
                settle.execute(params![upstream, receipt.incident.as_str(), receipt.sequence])?;
            }
        }
        owed::pay(tx, outbox, Some(upstream))
    });
    noted.map_err(|error| error.to_string())
}
