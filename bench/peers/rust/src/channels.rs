//! ch.*, ch5.* of tasks: producers to one consumer, which is the measuring
//! task. Tokio's own channels, and those of flume and async-channel on tokio.

use crate::measure::{check, ct, mt, sum_below, Gate, List, Measured};
use crate::names::{TOKIO, TOKIO_ASYNC, TOKIO_FLUME};
use std::sync::Arc;

/// A message of so many bytes that carries a number.
pub trait Message: Send + 'static {
    fn of(number: u64) -> Self;
    fn number(&self) -> u64;
}

impl Message for u64 {
    fn of(number: u64) -> u64 {
        number
    }
    fn number(&self) -> u64 {
        *self
    }
}

impl Message for [u64; 128] {
    fn of(number: u64) -> Self {
        let mut all = [0; 128];
        all[127] = number;
        all
    }
    fn number(&self) -> u64 {
        self[127]
    }
}

pub fn checked(m: Measured, sum: u64, producers: u64, each: u64) -> Measured {
    check(sum == producers * sum_below(each), "ch.*: messages lost");
    m
}

macro_rules! pipe {
    (
        $name:ident, $make:ident, $m:ident, $cap:ident,
        |$tx:ident, $v:ident| $send:expr,
        |$rx:ident| $recv:expr
    ) => {
        async fn $name<$m: Message>(producers: u64, $cap: usize, ops: u64) -> Measured {
            let each = ops / producers;
            let gate = Arc::new(Gate::new());
            #[allow(unused_mut)]
            let (first, mut $rx) = $make!($m, $cap);
            let mut sum = 0;

            for _ in 0..producers {
                let (gate, $tx) = (gate.clone(), first.clone());

                tokio::spawn(async move {
                    gate.pass().await;
                    for i in 0..each {
                        let $v = $m::of(i);
                        check($send.is_ok(), "ch.*: closed");
                    }
                });
            }
            let t = gate.start(producers as usize).await;
            for _ in 0..each * producers {
                sum += $recv.unwrap().number();
            }
            checked(t.stop(each * producers), sum, producers, each)
        }
    };
}

macro_rules! tokio_bounded {
    ($m:ident, $cap:ident) => {
        tokio::sync::mpsc::channel::<$m>($cap)
    };
}

macro_rules! tokio_unbounded {
    ($m:ident, $cap:ident) => {{
        let _ = $cap;
        tokio::sync::mpsc::unbounded_channel::<$m>()
    }};
}

/// Of crates whose bounded and unbounded channels are of one type; 0: unbounded.
macro_rules! flume_any {
    ($m:ident, $cap:ident) => {
        if $cap == 0 {
            flume::unbounded::<$m>()
        } else {
            flume::bounded::<$m>($cap)
        }
    };
}

macro_rules! async_any {
    ($m:ident, $cap:ident) => {
        if $cap == 0 {
            async_channel::unbounded::<$m>()
        } else {
            async_channel::bounded::<$m>($cap)
        }
    };
}

pipe!(
    bounded,
    tokio_bounded,
    M,
    cap,
    |tx, v| tx.send(v).await,
    |rx| rx.recv().await
);
pipe!(
    unbounded,
    tokio_unbounded,
    M,
    cap,
    |tx, v| tx.send(v),
    |rx| rx.recv().await
);
pipe!(
    by_flume,
    flume_any,
    M,
    cap,
    |tx, v| tx.send_async(v).await,
    |rx| rx.recv_async().await
);
pipe!(
    by_async,
    async_any,
    M,
    cap,
    |tx, v| tx.send(v).await,
    |rx| rx.recv().await
);

pub fn add(list: &mut List) {
    macro_rules! row {
        (
            $name:literal, $ops:literal, $rt:ident, $tokio:ident, $m:ty,
            $producers:literal, $cap:literal
        ) => {
            list.add(TOKIO, $name, $ops, |l| {
                $rt($tokio::<$m>($producers, $cap, l.ops))
            });
            list.add(TOKIO_FLUME, $name, $ops, |l| {
                $rt(by_flume::<$m>($producers, $cap, l.ops))
            });
            list.add(TOKIO_ASYNC, $name, $ops, |l| {
                $rt(by_async::<$m>($producers, $cap, l.ops))
            });
        };
    }
    row!("ch.b1.mt", 1_000_000, mt, bounded, u64, 1, 1);
    row!("ch.b1.ct", 1_000_000, ct, bounded, u64, 1, 1);
    row!("ch.b100.mt", 2_000_000, mt, bounded, u64, 1, 100);
    row!("ch.b100.ct", 2_000_000, ct, bounded, u64, 1, 100);
    row!("ch.b1000.mt", 2_000_000, mt, bounded, u64, 1, 1000);
    row!("ch.unb.mt", 2_000_000, mt, unbounded, u64, 1, 0);
    row!("ch.unb.ct", 2_000_000, ct, unbounded, u64, 1, 0);
    row!("ch5.b100.mt", 2_000_000, mt, bounded, u64, 5, 100);
    row!("ch5.unb.mt", 2_000_000, mt, unbounded, u64, 5, 0);
    row!("ch.b100.mt.1k", 500_000, mt, bounded, [u64; 128], 1, 100);
}
