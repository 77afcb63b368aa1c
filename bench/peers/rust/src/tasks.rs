//! task.*: spawning, joining, yielding.

use crate::measure::{check, ct, keep, mt, sum_below, Gate, List, Measured, Stretch};
use crate::names::TOKIO;
use std::sync::Arc;

async fn spawn1(ops: u64) -> Measured {
    let mut sum = 0;
    let t = Stretch::start();

    for i in 0..ops {
        sum += tokio::spawn(async move { keep(i) }).await.unwrap();
    }
    let m = t.stop(ops);
    check(sum == sum_below(ops), "task.spawn1");
    m
}

async fn spawn1k(ops: u64) -> Measured {
    let rounds = (ops / 1000).max(1);
    let mut tasks = Vec::with_capacity(1000);
    let mut sum = 0;
    let t = Stretch::start();

    for _ in 0..rounds {
        for i in 0..1000u64 {
            tasks.push(tokio::spawn(async move { keep(i) }));
        }
        for task in tasks.drain(..) {
            sum += task.await.unwrap();
        }
    }
    let m = t.stop(rounds * 1000);
    check(sum == rounds * sum_below(1000), "task.spawn1k");
    m
}

async fn yields(parties: u64, ops: u64) -> Measured {
    let each = (ops / parties).max(1);
    let gate = Arc::new(Gate::new());
    let tasks: Vec<_> = (0..parties)
        .map(|_| {
            let gate = gate.clone();

            tokio::spawn(async move {
                gate.pass().await;
                for _ in 0..each {
                    tokio::task::yield_now().await;
                }
            })
        })
        .collect();

    let t = gate.start(parties as usize).await;
    for task in tasks {
        task.await.unwrap();
    }
    t.stop(each * parties)
}

pub fn add(list: &mut List) {
    list.add(TOKIO, "task.spawn1.mt", 1_000_000, |l| mt(spawn1(l.ops)));
    list.add(TOKIO, "task.spawn1.ct", 1_000_000, |l| ct(spawn1(l.ops)));
    list.add(TOKIO, "task.spawn1k.ct", 1_000_000, |l| ct(spawn1k(l.ops)));
    list.add(TOKIO, "task.spawn1k.mt", 1_000_000, |l| mt(spawn1k(l.ops)));
    list.add(TOKIO, "task.yield2.ct", 2_000_000, |l| ct(yields(2, l.ops)));
    list.add(TOKIO, "task.yield1k.ct", 5_000_000, |l| {
        ct(yields(1000, l.ops))
    });
    list.add(TOKIO, "task.yield1k.mt", 5_000_000, |l| {
        mt(yields(1000, l.ops))
    });
}
