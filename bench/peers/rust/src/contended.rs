//! c.*.mt: N tasks on two workers that compete for one object of tokio.

use crate::measure::{check, keep, runtime_mt, work, Gate, List, Load, Measured};
use crate::names::TOKIO;
use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering::*};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{Mutex, RwLock, Semaphore};

/// What one party did.
pub struct Party {
    pub turns: u64,
    pub longest_ns: u64,
}

/// A party's work, and the clock around an acquire, where that is measured.
pub struct Probe<const TIMED: bool> {
    begun: Instant,
    longest: Duration,
    seed: u32,
}

impl<const TIMED: bool> Probe<TIMED> {
    pub fn new() -> Self {
        Probe {
            begun: Instant::now(),
            longest: Duration::ZERO,
            seed: 1,
        }
    }

    #[inline(always)]
    pub fn begin(&mut self) {
        if TIMED {
            self.begun = Instant::now();
        }
    }

    #[inline(always)]
    pub fn end(&mut self) {
        if TIMED {
            self.longest = self.longest.max(self.begun.elapsed());
        }
    }

    #[inline(always)]
    pub fn work(&mut self) {
        work(&mut self.seed);
    }

    pub fn done(&self, turns: u64) -> Party {
        keep(self.seed as u64);
        Party {
            turns,
            longest_ns: self.longest.as_nanos() as u64,
        }
    }
}

/// Both phases of a row, from what their parties did.
pub fn sum_up(mut m: Measured, plain: &[Party], timed: &[Party]) -> Measured {
    let least = plain.iter().map(|p| p.turns).min().unwrap();

    m.ops = plain.iter().map(|p| p.turns).sum();
    check(m.ops > 0, "c.*: nobody ever got in");
    m.fairness = Some(least as f64 * plain.len() as f64 / m.ops as f64);
    m.longest_ns = timed.iter().map(|p| p.longest_ns).max();
    m
}

struct Contest<O> {
    object: O,
    yields: bool,
    gate: Gate,
    stop: AtomicBool,
}

type Shared<O> = Arc<Contest<O>>;

async fn hold<const TIMED: bool>(probe: &mut Probe<TIMED>, yields: bool) {
    probe.work();
    if yields {
        tokio::task::yield_now().await;
    }
}

macro_rules! party {
    ($name:ident, $object:ty, |$o:ident, $turn:ident, $probe:ident, $yields:ident| $once:block) => {
        async fn $name<const TIMED: bool>(c: Shared<$object>) -> Party {
            let mut $probe = Probe::<TIMED>::new();
            let mut $turn = 0;
            let ($o, $yields) = (&c.object, c.yields);

            c.gate.pass().await;
            while !c.stop.load(Relaxed) {
                $once
                $turn += 1;
            }
            $probe.done($turn)
        }
    };
}

party!(semaphore, Semaphore, |o, turn, probe, yields| {
    probe.begin();
    let permit = o.acquire().await.unwrap();
    probe.end();
    hold(&mut probe, yields).await;
    drop(permit);
});

party!(mutex, Mutex<()>, |o, turn, probe, yields| {
    probe.begin();
    let guard = o.lock().await;
    probe.end();
    hold(&mut probe, yields).await;
    drop(guard);
});

party!(rw90, RwLock<()>, |o, turn, probe, yields| {
    probe.begin();
    if turn % 10 != 0 {
        let guard = o.read().await;
        probe.end();
        hold(&mut probe, yields).await;
        drop(guard);
    } else {
        let guard = o.write().await;
        probe.end();
        hold(&mut probe, yields).await;
        drop(guard);
    }
});

/// N parties for so many seconds. The flag is raised by a thread that is none
/// of the workers.
fn contest<O, F>(
    object: O,
    n: usize,
    yields: bool,
    seconds: f64,
    party: fn(Shared<O>) -> F,
) -> (Measured, Vec<Party>)
where
    O: Send + Sync + 'static,
    F: Future<Output = Party> + Send + 'static,
{
    let c = Arc::new(Contest {
        object,
        yields,
        gate: Gate::new(),
        stop: AtomicBool::new(false),
    });
    let rt = runtime_mt();
    let tasks: Vec<_> = (0..n).map(|_| rt.spawn(party(c.clone()))).collect();

    while !c.gate.is_full(n) {
        std::thread::yield_now();
    }
    let t = c.gate.start_now(n);
    std::thread::sleep(Duration::from_secs_f64(seconds));
    c.stop.store(true, Relaxed);
    let parties = rt.block_on(async {
        let mut parties = Vec::new();
        for task in tasks {
            parties.push(task.await.unwrap());
        }
        parties
    });
    (t.stop(0), parties)
}

pub fn add(list: &mut List) {
    macro_rules! add {
        ($name:literal, $n:literal, $yields:literal, $party:ident, $make:expr) => {
            list.add(TOKIO, $name, 1, |l: &Load| {
                let (m, plain) = contest($make, $n, $yields, l.scale, $party::<false>);
                let (_, timed) = contest($make, $n, $yields, l.scale * 0.3, $party::<true>);
                sum_up(m, &plain, &timed)
            })
        };
    }
    add!("c.sem.2.mt", 2, false, semaphore, Semaphore::new(1));
    add!("c.sem.64.mt", 64, false, semaphore, Semaphore::new(1));
    add!("c.sem.1000.mt", 1000, false, semaphore, Semaphore::new(1));
    add!("c.semy.64.mt", 64, true, semaphore, Semaphore::new(1));
    add!("c.mutex.64.mt", 64, false, mutex, Mutex::new(()));
    add!("c.mutexy.64.mt", 64, true, mutex, Mutex::new(()));
    add!("c.rw90.64.mt", 64, false, rw90, RwLock::new(()));
}
