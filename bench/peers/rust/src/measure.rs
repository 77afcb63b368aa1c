//! Clocks, runtimes, the start of parties, and the list of workloads.

use std::fmt;
use std::future::Future;
use std::sync::atomic::{AtomicUsize, Ordering::*};
use std::sync::Barrier;
use std::time::Instant;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::Semaphore;

// ---- What is printed ----

#[derive(Default)]
pub struct Measured {
    pub ops: u64,
    pub ns: u64,
    pub cpu_ns: u64,
    pub fairness: Option<f64>,
    pub longest_ns: Option<u64>,
}

impl fmt::Display for Measured {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{} {} {} ", self.ops, self.ns, self.cpu_ns)?;
        match self.fairness {
            Some(x) => write!(f, "{:.3} ", x)?,
            None => write!(f, "- ")?,
        }
        match self.longest_ns {
            Some(x) => write!(f, "{}", x),
            None => write!(f, "-"),
        }
    }
}

// ---- The stretch that is measured ----

pub struct Stretch {
    start: Instant,
    cpu: u64,
}

/// Processor time of the whole process.
fn cpu_ns() -> u64 {
    let mut t = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };

    unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &mut t) };
    t.tv_sec as u64 * 1_000_000_000 + t.tv_nsec as u64
}

impl Stretch {
    pub fn start() -> Stretch {
        let cpu = cpu_ns();

        Stretch {
            start: Instant::now(),
            cpu,
        }
    }

    pub fn stop(self, ops: u64) -> Measured {
        let ns = self.start.elapsed().as_nanos() as u64;

        Measured {
            ops,
            ns,
            cpu_ns: cpu_ns() - self.cpu,
            ..Default::default()
        }
    }
}

// ---- Runtimes; the measuring code is a task of them ----

pub fn runtime_ct() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

pub fn runtime_mt() -> Runtime {
    Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
}

pub fn ct<T: Send + 'static>(body: impl Future<Output = T> + Send + 'static) -> T {
    let rt = runtime_ct();

    rt.block_on(async { tokio::spawn(body).await.unwrap() })
}

pub fn mt<T: Send + 'static>(body: impl Future<Output = T> + Send + 'static) -> T {
    let rt = runtime_mt();

    rt.block_on(async { tokio::spawn(body).await.unwrap() })
}

// ---- Parties that start together, once all are there ----

pub struct Gate {
    ready: AtomicUsize,
    open: Semaphore,
}

impl Gate {
    pub fn new() -> Gate {
        Gate {
            ready: AtomicUsize::new(0),
            open: Semaphore::new(0),
        }
    }

    pub async fn pass(&self) {
        self.ready.fetch_add(1, AcqRel);
        self.open.acquire().await.unwrap().forget();
    }

    pub fn is_full(&self, parties: usize) -> bool {
        self.ready.load(Acquire) == parties
    }

    /// Waits for all, then starts the clock and them.
    pub async fn start(&self, parties: usize) -> Stretch {
        while !self.is_full(parties) {
            tokio::task::yield_now().await;
        }
        self.start_now(parties)
    }

    pub fn start_now(&self, parties: usize) -> Stretch {
        let stretch = Stretch::start();

        self.open.add_permits(parties);
        stretch
    }
}

/// The same for threads.
pub struct ThreadGate {
    ready: AtomicUsize,
    parties: usize,
    open: Barrier,
}

impl ThreadGate {
    pub fn new(parties: usize) -> ThreadGate {
        ThreadGate {
            ready: AtomicUsize::new(0),
            parties,
            open: Barrier::new(parties + 1),
        }
    }

    pub fn pass(&self) {
        self.ready.fetch_add(1, AcqRel);
        self.open.wait();
    }

    pub fn start(&self) -> Stretch {
        while self.ready.load(Acquire) != self.parties {
            std::thread::yield_now();
        }
        let stretch = Stretch::start();

        self.open.wait();
        stretch
    }
}

// ---- Odds and ends ----

/// 40 cycles: 20 steps, each of which needs the one before and takes two.
#[inline(always)]
pub fn work(seed: &mut u32) {
    let mut x = *seed;

    for _ in 0..20 {
        x ^= x << 1;
    }
    *seed = x | 1;
}

/// A value of which the compiler knows nothing any more.
#[inline(always)]
pub fn keep(mut value: u64) -> u64 {
    unsafe {
        std::arch::asm!("/* {0} */", inout(reg) value, options(nomem, nostack, preserves_flags));
    }
    value
}

pub fn check(right: bool, what: &str) {
    if !right {
        eprintln!("peer-rust: wrong result: {}", what);
        std::process::exit(1);
    }
}

/// 0 + 1 + ... + n-1
pub fn sum_below(n: u64) -> u64 {
    if n == 0 {
        0
    } else {
        n * (n - 1) / 2
    }
}

pub fn pin_to(cpu: usize) {
    unsafe {
        let mut set: libc::cpu_set_t = std::mem::zeroed();

        libc::CPU_SET(cpu, &mut set);
        let r = libc::sched_setaffinity(0, std::mem::size_of_val(&set), &set);
        check(r == 0, "cannot pin a thread to a processor");
    }
}

// ---- The list ----

pub struct Load {
    pub ops: u64,
    /// Of the seconds, where a workload runs for a time.
    pub scale: f64,
}

pub struct Line {
    pub suffix: &'static str,
    pub measured: Measured,
}

pub struct Workload {
    pub who: &'static str,
    pub name: &'static str,
    pub ops: u64,
    pub run: Box<dyn Fn(&Load) -> Vec<Line>>,
}

#[derive(Default)]
pub struct List(pub Vec<Workload>);

impl List {
    pub fn lines(
        &mut self,
        who: &'static str,
        name: &'static str,
        ops: u64,
        run: impl Fn(&Load) -> Vec<Line> + 'static,
    ) {
        self.0.push(Workload {
            who,
            name,
            ops,
            run: Box::new(run),
        });
    }

    pub fn add(
        &mut self,
        who: &'static str,
        name: &'static str,
        ops: u64,
        run: impl Fn(&Load) -> Measured + 'static,
    ) {
        self.lines(who, name, ops, move |load| {
            vec![Line {
                suffix: "",
                measured: run(load),
            }]
        });
    }
}
