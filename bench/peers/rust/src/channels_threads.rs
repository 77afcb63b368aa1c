//! ch.*, ch5.* of threads: producers to one consumer, the measuring thread.

use crate::channels::checked;
use crate::measure::{check, List, Measured, ThreadGate};
use crate::names::{ASYNC, CROSSBEAM, FLUME, STD};

macro_rules! pipe {
    ($name:ident, |$cap:ident| $make:expr, $send:ident, $recv:ident) => {
        fn $name(producers: u64, $cap: usize, ops: u64) -> Measured {
            let each = ops / producers;
            let gate = ThreadGate::new(producers as usize);
            let (first, rx) = $make;
            let mut sum: u64 = 0;

            std::thread::scope(|scope| {
                for _ in 0..producers {
                    let (gate, tx) = (&gate, first.clone());

                    scope.spawn(move || {
                        gate.pass();
                        for i in 0..each {
                            check(tx.$send(i).is_ok(), "ch.*: closed");
                        }
                    });
                }
                let t = gate.start();
                for _ in 0..each * producers {
                    sum += rx.$recv().unwrap();
                }
                checked(t.stop(each * producers), sum, producers, each)
            })
        }
    };
}

pipe!(
    std_bounded,
    |cap| std::sync::mpsc::sync_channel(cap),
    send,
    recv
);
pipe!(std_unbounded, |_cap| std::sync::mpsc::channel(), send, recv);
pipe!(
    crossbeam_bounded,
    |cap| crossbeam_channel::bounded(cap),
    send,
    recv
);
pipe!(
    crossbeam_unbounded,
    |_cap| crossbeam_channel::unbounded(),
    send,
    recv
);
pipe!(flume_bounded, |cap| flume::bounded(cap), send, recv);
pipe!(flume_unbounded, |_cap| flume::unbounded(), send, recv);
pipe!(
    async_bounded,
    |cap| async_channel::bounded(cap),
    send_blocking,
    recv_blocking
);
pipe!(
    async_unbounded,
    |_cap| async_channel::unbounded(),
    send_blocking,
    recv_blocking
);

pub fn add(list: &mut List) {
    macro_rules! row {
        (bounded, $name:literal, $ops:literal, $n:literal, $cap:literal) => {
            list.add(CROSSBEAM, $name, $ops, |l| {
                crossbeam_bounded($n, $cap, l.ops)
            });
            list.add(FLUME, $name, $ops, |l| flume_bounded($n, $cap, l.ops));
            list.add(ASYNC, $name, $ops, |l| async_bounded($n, $cap, l.ops));
            list.add(STD, $name, $ops, |l| std_bounded($n, $cap, l.ops));
        };
        (unbounded, $name:literal, $ops:literal, $n:literal) => {
            list.add(CROSSBEAM, $name, $ops, |l| {
                crossbeam_unbounded($n, 0, l.ops)
            });
            list.add(FLUME, $name, $ops, |l| flume_unbounded($n, 0, l.ops));
            list.add(ASYNC, $name, $ops, |l| async_unbounded($n, 0, l.ops));
            list.add(STD, $name, $ops, |l| std_unbounded($n, 0, l.ops));
        };
    }
    row!(bounded, "ch.b1.thr", 20_000, 1, 1);
    row!(bounded, "ch.b100.thr", 500_000, 1, 100);
    row!(unbounded, "ch.unb.thr", 1_000_000, 1);
    row!(unbounded, "ch5.unb.thr", 1_000_000, 5);
}
