//! park.1M.mt and sleep.1M.mt: a million tasks at once.

use crate::measure::{check, mt, Line, List, Measured, Stretch};
use crate::names::TOKIO;
use std::sync::atomic::{AtomicU64, Ordering::*};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;

/// What the process has of the machine's memory, once the heap has given back
/// what it only keeps.
fn resident() -> u64 {
    #[cfg(target_env = "gnu")]
    unsafe {
        libc::malloc_trim(0);
    }
    let text = std::fs::read_to_string("/proc/self/statm").unwrap();
    let pages: u64 = text.split(' ').nth(1).unwrap().parse().unwrap();

    pages * unsafe { libc::sysconf(libc::_SC_PAGESIZE) } as u64
}

async fn park(ops: u64) -> Vec<Line> {
    let s = Arc::new(Semaphore::new(0));
    let waiting = Arc::new(AtomicU64::new(0));
    let mut tasks = Vec::with_capacity(ops as usize);
    let before = resident();
    let t = Stretch::start();

    for _ in 0..ops {
        let (s, waiting) = (s.clone(), waiting.clone());

        tasks.push(tokio::spawn(async move {
            waiting.fetch_add(1, Relaxed);
            s.acquire().await.unwrap().forget();
        }));
    }
    while waiting.load(Relaxed) != ops {
        tokio::task::yield_now().await;
    }
    let there = t.stop(ops);
    let bytes = resident().saturating_sub(before) / ops;
    let t = Stretch::start();

    s.add_permits(ops as usize);
    for task in tasks {
        task.await.unwrap();
    }
    let woken = t.stop(ops);
    check(s.available_permits() == 0, "park");
    vec![
        Line {
            suffix: "",
            measured: there,
        },
        Line {
            suffix: ".bytes",
            measured: Measured {
                ops: 1,
                ns: bytes,
                ..Default::default()
            },
        },
        Line {
            suffix: ".wake",
            measured: woken,
        },
    ]
}

/// A number below a second's nanoseconds that looks random (splitmix64).
fn some_time(of: u64) -> Duration {
    let mut z = of.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);

    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    Duration::from_nanos((z ^ (z >> 31)) % 1_000_000_000)
}

async fn sleep(ops: u64) -> Measured {
    let mut tasks = Vec::with_capacity(ops as usize);
    let mut late = 0u64;
    let t = Stretch::start();

    for i in 0..ops {
        tasks.push(tokio::spawn(async move {
            let until = Instant::now() + some_time(i);

            tokio::time::sleep_until(until.into()).await;
            let now = Instant::now();
            check(now >= until, "sleep: woken too early");
            (now - until).as_nanos() as u64
        }));
    }
    for task in tasks {
        late += task.await.unwrap();
    }
    let mut m = t.stop(ops);
    m.longest_ns = Some(late / ops);
    m
}

pub fn add(list: &mut List) {
    list.lines(TOKIO, "park.1M.mt", 1_000_000, |l| mt(park(l.ops)));
    list.add(TOKIO, "sleep.1M.mt", 1_000_000, |l| mt(sleep(l.ops)));
}
