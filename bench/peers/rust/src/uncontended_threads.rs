//! u.* where there are no tasks: one thread, nobody else.

use crate::measure::{check, sum_below, List, Measured, Stretch};
use crate::names::*;

fn std_mutex(ops: u64) -> Measured {
    let l = std::sync::Mutex::new(0u64);
    let t = Stretch::start();

    for _ in 0..ops {
        *l.lock().unwrap() += 1;
    }
    let m = t.stop(ops);
    check(l.into_inner().unwrap() == ops, "u.mutex");
    m
}

fn std_read(ops: u64) -> Measured {
    let l = std::sync::RwLock::new(1u64);
    let mut sum = 0;
    let t = Stretch::start();

    for _ in 0..ops {
        sum += *l.read().unwrap();
    }
    let m = t.stop(ops);
    check(sum == ops, "u.rw_read");
    m
}

fn std_write(ops: u64) -> Measured {
    let l = std::sync::RwLock::new(0u64);
    let t = Stretch::start();

    for _ in 0..ops {
        *l.write().unwrap() += 1;
    }
    let m = t.stop(ops);
    check(l.into_inner().unwrap() == ops, "u.rw_write");
    m
}

fn std_park(ops: u64) -> Measured {
    let t = Stretch::start();

    for _ in 0..ops {
        std::thread::current().unpark();
        std::thread::park();
    }
    t.stop(ops)
}

fn pl_mutex(ops: u64) -> Measured {
    let l = parking_lot::Mutex::new(0u64);
    let t = Stretch::start();

    for _ in 0..ops {
        *l.lock() += 1;
    }
    let m = t.stop(ops);
    check(l.into_inner() == ops, "u.mutex");
    m
}

fn pl_read(ops: u64) -> Measured {
    let l = parking_lot::RwLock::new(1u64);
    let mut sum = 0;
    let t = Stretch::start();

    for _ in 0..ops {
        sum += *l.read();
    }
    let m = t.stop(ops);
    check(sum == ops, "u.rw_read");
    m
}

fn pl_write(ops: u64) -> Measured {
    let l = parking_lot::RwLock::new(0u64);
    let t = Stretch::start();

    for _ in 0..ops {
        *l.write() += 1;
    }
    let m = t.stop(ops);
    check(l.into_inner() == ops, "u.rw_write");
    m
}

/// Send, then receive, on any channel: neither ever waits.
macro_rules! through {
    ($name:ident, $make:expr, $send:ident, $recv:ident) => {
        fn $name(ops: u64) -> Measured {
            let (tx, rx) = $make;
            let mut sum = 0;
            let t = Stretch::start();

            for i in 0..ops {
                tx.$send(i).unwrap();
                sum += rx.$recv().unwrap();
            }
            let m = t.stop(ops);
            check(sum == sum_below(ops), stringify!($name));
            m
        }
    };
}

through!(
    std_try,
    std::sync::mpsc::sync_channel(100),
    try_send,
    try_recv
);
through!(std_unbounded, std::sync::mpsc::channel(), send, try_recv);
through!(
    crossbeam_try,
    crossbeam_channel::bounded(100),
    try_send,
    try_recv
);
through!(
    crossbeam_unbounded,
    crossbeam_channel::unbounded(),
    send,
    try_recv
);
through!(flume_try, flume::bounded(100), try_send, try_recv);
through!(flume_unbounded, flume::unbounded(), send, try_recv);
through!(async_try, async_channel::bounded(100), try_send, try_recv);
through!(
    async_unbounded,
    async_channel::unbounded(),
    try_send,
    try_recv
);

pub fn add(list: &mut List) {
    macro_rules! add {
        ($who:ident, $name:literal, $ops:literal, $body:ident) => {
            list.add($who, $name, $ops, |l| $body(l.ops))
        };
    }
    add!(STD, "u.mutex", 10_000_000, std_mutex);
    add!(PARKING_LOT, "u.mutex", 10_000_000, pl_mutex);
    add!(STD, "u.rw_read", 10_000_000, std_read);
    add!(PARKING_LOT, "u.rw_read", 10_000_000, pl_read);
    add!(STD, "u.rw_write", 10_000_000, std_write);
    add!(PARKING_LOT, "u.rw_write", 10_000_000, pl_write);
    add!(STD_PARK, "u.notify", 5_000_000, std_park);
    add!(STD, "u.mpsc_try", 5_000_000, std_try);
    add!(CROSSBEAM, "u.mpsc_try", 5_000_000, crossbeam_try);
    add!(FLUME, "u.mpsc_try", 5_000_000, flume_try);
    add!(ASYNC, "u.mpsc_try", 5_000_000, async_try);
    add!(STD, "u.mpsc_unb", 5_000_000, std_unbounded);
    add!(CROSSBEAM, "u.mpsc_unb", 5_000_000, crossbeam_unbounded);
    add!(FLUME, "u.mpsc_unb", 5_000_000, flume_unbounded);
    add!(ASYNC, "u.mpsc_unb", 5_000_000, async_unbounded);
}
