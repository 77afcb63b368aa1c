//! u.* of tokio: one task of a current-thread runtime, nobody else.

use crate::measure::{check, ct, keep, sum_below, List, Measured, Stretch};
use crate::names::TOKIO;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::*;

async fn sem(ops: u64) -> Measured {
    let s = Semaphore::new(1);
    let t = Stretch::start();

    for _ in 0..ops {
        drop(s.acquire().await.unwrap());
    }
    let m = t.stop(ops);
    check(s.available_permits() == 1, "u.sem");
    m
}

async fn sem_owned(ops: u64) -> Measured {
    let s = Arc::new(Semaphore::new(1));
    let t = Stretch::start();

    for _ in 0..ops {
        drop(s.clone().acquire_owned().await.unwrap());
    }
    let m = t.stop(ops);
    check(s.available_permits() == 1, "u.sem_owned");
    m
}

async fn sem_try(ops: u64) -> Measured {
    let s = Semaphore::new(1);
    let t = Stretch::start();

    for _ in 0..ops {
        drop(s.try_acquire().unwrap());
    }
    let m = t.stop(ops);
    check(s.available_permits() == 1, "u.sem_try");
    m
}

async fn sem_tryfail(ops: u64) -> Measured {
    let s = Semaphore::new(0);
    let t = Stretch::start();
    let mut failed = 0;

    for _ in 0..ops {
        failed += keep(s.try_acquire().is_err() as u64);
    }
    let m = t.stop(ops);
    check(failed == ops, "u.sem_tryfail");
    m
}

async fn mutex(ops: u64) -> Measured {
    let l = Mutex::new(0u64);
    let t = Stretch::start();

    for _ in 0..ops {
        *l.lock().await += 1;
    }
    let m = t.stop(ops);
    check(l.into_inner() == ops, "u.mutex");
    m
}

async fn rw_read(ops: u64) -> Measured {
    let l = RwLock::new(1u64);
    let mut sum = 0;
    let t = Stretch::start();

    for _ in 0..ops {
        sum += *l.read().await;
    }
    let m = t.stop(ops);
    check(sum == ops, "u.rw_read");
    m
}

async fn rw_write(ops: u64) -> Measured {
    let l = RwLock::new(0u64);
    let t = Stretch::start();

    for _ in 0..ops {
        *l.write().await += 1;
    }
    let m = t.stop(ops);
    check(l.into_inner() == ops, "u.rw_write");
    m
}

async fn oneshot(ops: u64) -> Measured {
    let mut sum = 0;
    let t = Stretch::start();

    for i in 0..ops {
        let (tx, rx) = oneshot::channel();

        tx.send(i).unwrap();
        sum += rx.await.unwrap();
    }
    let m = t.stop(ops);
    check(sum == sum_below(ops), "u.oneshot");
    m
}

async fn notify(ops: u64) -> Measured {
    let n = Notify::new();
    let t = Stretch::start();

    for _ in 0..ops {
        n.notify_one();
        n.notified().await;
    }
    t.stop(ops)
}

async fn watch(ops: u64) -> Measured {
    let (tx, rx) = watch::channel(0u64);
    let mut sum = 0;
    let t = Stretch::start();

    for i in 0..ops {
        tx.send(i).unwrap();
        sum += *rx.borrow();
    }
    let m = t.stop(ops);
    check(sum == sum_below(ops), "u.watch");
    m
}

async fn watch_borrow(ops: u64) -> Measured {
    let (_tx, rx) = watch::channel(1u64);
    let mut sum = 0;
    let t = Stretch::start();

    for _ in 0..ops {
        sum += *rx.borrow();
    }
    let m = t.stop(ops);
    check(sum == ops, "u.watch_borrow");
    m
}

async fn mpsc(ops: u64) -> Measured {
    let (tx, mut rx) = mpsc::channel(100);
    let mut sum = 0;
    let t = Stretch::start();

    for i in 0..ops {
        tx.send(i).await.unwrap();
        sum += rx.recv().await.unwrap();
    }
    let m = t.stop(ops);
    check(sum == sum_below(ops), "u.mpsc");
    m
}

async fn mpsc_try(ops: u64) -> Measured {
    let (tx, mut rx) = mpsc::channel(100);
    let mut sum = 0;
    let t = Stretch::start();

    for i in 0..ops {
        tx.try_send(i).unwrap();
        sum += rx.try_recv().unwrap();
    }
    let m = t.stop(ops);
    check(sum == sum_below(ops), "u.mpsc_try");
    m
}

async fn mpsc_unb(ops: u64) -> Measured {
    let (tx, mut rx) = mpsc::unbounded_channel();
    let mut sum = 0;
    let t = Stretch::start();

    for i in 0..ops {
        tx.send(i).unwrap();
        sum += rx.try_recv().unwrap();
    }
    let m = t.stop(ops);
    check(sum == sum_below(ops), "u.mpsc_unb");
    m
}

async fn bcast(ops: u64) -> Measured {
    let (tx, mut rx) = broadcast::channel(16);
    let mut sum = 0;
    let t = Stretch::start();

    for i in 0..ops {
        tx.send(i).unwrap();
        sum += rx.try_recv().unwrap();
    }
    let m = t.stop(ops);
    check(sum == sum_below(ops), "u.bcast");
    m
}

async fn timeout(ops: u64) -> Measured {
    let s = Semaphore::new(1);
    let second = Duration::from_secs(1);
    let t = Stretch::start();

    for _ in 0..ops {
        drop(
            tokio::time::timeout(second, s.acquire())
                .await
                .unwrap()
                .unwrap(),
        );
    }
    let m = t.stop(ops);
    check(s.available_permits() == 1, "u.timeout");
    m
}

pub fn add(list: &mut List) {
    macro_rules! add {
        ($name:literal, $ops:literal, $body:ident) => {
            list.add(TOKIO, $name, $ops, |l| ct($body(l.ops)))
        };
    }
    add!("u.sem", 5_000_000, sem);
    add!("u.sem_owned", 3_000_000, sem_owned);
    add!("u.sem_try", 5_000_000, sem_try);
    add!("u.sem_tryfail", 50_000_000, sem_tryfail);
    add!("u.mutex", 5_000_000, mutex);
    add!("u.rw_read", 5_000_000, rw_read);
    add!("u.rw_write", 5_000_000, rw_write);
    add!("u.oneshot", 3_000_000, oneshot);
    add!("u.notify", 5_000_000, notify);
    add!("u.watch", 3_000_000, watch);
    add!("u.watch_borrow", 5_000_000, watch_borrow);
    add!("u.mpsc", 3_000_000, mpsc);
    add!("u.mpsc_try", 3_000_000, mpsc_try);
    add!("u.mpsc_unb", 5_000_000, mpsc_unb);
    add!("u.bcast", 3_000_000, bcast);
    add!("u.timeout", 2_000_000, timeout);
}
