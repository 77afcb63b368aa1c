//! bc.*, bcw.*, watch.*: one sender, many receivers; ops are deliveries.

use crate::measure::{check, mt, Gate, List, Measured};
use crate::names::TOKIO;
use std::sync::atomic::{AtomicU64, Ordering::*};
use std::sync::Arc;
use tokio::sync::{broadcast, watch, Notify};

/// The last receiver that has all wakes the sender.
struct Heard {
    receivers: u64,
    missing: AtomicU64,
    all: Notify,
    gate: Gate,
}

impl Heard {
    fn by(receivers: u64) -> Arc<Heard> {
        Arc::new(Heard {
            receivers,
            missing: AtomicU64::new(receivers),
            all: Notify::new(),
            gate: Gate::new(),
        })
    }

    fn one(&self) {
        if self.missing.fetch_sub(1, AcqRel) == 1 {
            self.missing.store(self.receivers, Relaxed);
            self.all.notify_one();
        }
    }
}

async fn hear(mut rx: broadcast::Receiver<u64>, heard: Arc<Heard>, bursts: u64, burst: u64) {
    heard.gate.pass().await;
    for b in 0..bursts {
        for k in 0..burst {
            check(rx.recv().await == Ok(b * burst + k), "bc: a wrong value");
        }
        heard.one();
    }
}

async fn bc(receivers: u64, burst: u64, ops: u64) -> Measured {
    let (tx, _) = broadcast::channel(64);
    let bursts = (ops / receivers / burst).max(1);
    let heard = Heard::by(receivers);
    let tasks: Vec<_> = (0..receivers)
        .map(|_| tokio::spawn(hear(tx.subscribe(), heard.clone(), bursts, burst)))
        .collect();

    let t = heard.gate.start(receivers as usize).await;
    for b in 0..bursts {
        for k in 0..burst {
            tx.send(b * burst + k).unwrap();
        }
        heard.all.notified().await;
    }
    let m = t.stop(bursts * burst * receivers);
    for task in tasks {
        task.await.unwrap();
    }
    m
}

async fn see(mut rx: watch::Receiver<u64>, heard: Arc<Heard>, changes: u64) {
    heard.gate.pass().await;
    for i in 0..changes {
        rx.changed().await.unwrap();
        check(*rx.borrow_and_update() == i + 1, "watch: a wrong value");
        heard.one();
    }
}

async fn watch(receivers: u64, ops: u64) -> Measured {
    let (tx, rx) = watch::channel(0);
    let changes = (ops / receivers).max(1);
    let heard = Heard::by(receivers);
    let tasks: Vec<_> = (0..receivers)
        .map(|_| tokio::spawn(see(rx.clone(), heard.clone(), changes)))
        .collect();

    let t = heard.gate.start(receivers as usize).await;
    for i in 0..changes {
        tx.send(i + 1).unwrap();
        heard.all.notified().await;
    }
    let m = t.stop(changes * receivers);
    for task in tasks {
        task.await.unwrap();
    }
    m
}

pub fn add(list: &mut List) {
    list.add(TOKIO, "bc.10.mt", 5_000_000, |l| mt(bc(10, 64, l.ops)));
    list.add(TOKIO, "bc.1000.mt", 6_400_000, |l| mt(bc(1000, 64, l.ops)));
    list.add(TOKIO, "bcw.10.mt", 1_000_000, |l| mt(bc(10, 1, l.ops)));
    list.add(TOKIO, "bcw.1000.mt", 1_000_000, |l| mt(bc(1000, 1, l.ops)));
    list.add(TOKIO, "watch.10.mt", 1_000_000, |l| mt(watch(10, l.ops)));
    list.add(TOKIO, "watch.1000.mt", 1_000_000, |l| {
        mt(watch(1000, l.ops))
    });
}
