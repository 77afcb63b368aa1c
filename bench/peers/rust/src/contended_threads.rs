//! c.*.thr: N threads that compete for one lock.

use crate::contended::{sum_up, Party, Probe};
use crate::measure::{List, Load, Measured, ThreadGate};
use crate::names::{PARKING_LOT, STD};
use std::sync::atomic::{AtomicBool, Ordering::*};
use std::time::Duration;

struct Contest<O> {
    object: O,
    gate: ThreadGate,
    stop: AtomicBool,
}

macro_rules! party {
    ($name:ident, $object:ty, |$o:ident, $turn:ident, $probe:ident| $once:block) => {
        fn $name<const TIMED: bool>(c: &Contest<$object>) -> Party {
            let mut $probe = Probe::<TIMED>::new();
            let mut $turn = 0;
            let $o = &c.object;

            c.gate.pass();
            while !c.stop.load(Relaxed) {
                $once
                $turn += 1;
            }
            $probe.done($turn)
        }
    };
}

party!(pl_mutex, parking_lot::Mutex<()>, |o, turn, probe| {
    probe.begin();
    let guard = o.lock();
    probe.end();
    probe.work();
    drop(guard);
});

party!(std_mutex, std::sync::Mutex<()>, |o, turn, probe| {
    probe.begin();
    let guard = o.lock().unwrap();
    probe.end();
    probe.work();
    drop(guard);
});

party!(pl_rw90, parking_lot::RwLock<()>, |o, turn, probe| {
    probe.begin();
    if turn % 10 != 0 {
        let guard = o.read();
        probe.end();
        probe.work();
        drop(guard);
    } else {
        let guard = o.write();
        probe.end();
        probe.work();
        drop(guard);
    }
});

party!(std_rw90, std::sync::RwLock<()>, |o, turn, probe| {
    probe.begin();
    if turn % 10 != 0 {
        let guard = o.read().unwrap();
        probe.end();
        probe.work();
        drop(guard);
    } else {
        let guard = o.write().unwrap();
        probe.end();
        probe.work();
        drop(guard);
    }
});

fn contest<O: Sync>(
    object: O,
    n: usize,
    seconds: f64,
    party: fn(&Contest<O>) -> Party,
) -> (Measured, Vec<Party>) {
    let c = Contest {
        object,
        gate: ThreadGate::new(n),
        stop: AtomicBool::new(false),
    };

    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..n).map(|_| scope.spawn(|| party(&c))).collect();
        let t = c.gate.start();

        std::thread::sleep(Duration::from_secs_f64(seconds));
        c.stop.store(true, Relaxed);
        let parties = threads.into_iter().map(|t| t.join().unwrap()).collect();
        (t.stop(0), parties)
    })
}

pub fn add(list: &mut List) {
    macro_rules! add {
        ($who:ident, $name:literal, $n:literal, $party:ident, $make:expr) => {
            list.add($who, $name, 1, |l: &Load| {
                let (m, plain) = contest($make, $n, l.scale, $party::<false>);
                let (_, timed) = contest($make, $n, l.scale * 0.3, $party::<true>);
                sum_up(m, &plain, &timed)
            })
        };
    }
    add!(
        PARKING_LOT,
        "c.mutex.8.thr",
        8,
        pl_mutex,
        parking_lot::Mutex::new(())
    );
    add!(
        STD,
        "c.mutex.8.thr",
        8,
        std_mutex,
        std::sync::Mutex::new(())
    );
    add!(
        PARKING_LOT,
        "c.mutex.64.thr",
        64,
        pl_mutex,
        parking_lot::Mutex::new(())
    );
    add!(
        STD,
        "c.mutex.64.thr",
        64,
        std_mutex,
        std::sync::Mutex::new(())
    );
    add!(
        PARKING_LOT,
        "c.rw90.64.thr",
        64,
        pl_rw90,
        parking_lot::RwLock::new(())
    );
    add!(
        STD,
        "c.rw90.64.thr",
        64,
        std_rw90,
        std::sync::RwLock::new(())
    );
}
