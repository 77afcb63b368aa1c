//! pp.* and actor.*: two parties that wait for each other; clients of one
//! server.

use crate::measure::*;
use crate::names::{CROSSBEAM, STD_PARK, TOKIO};
use std::sync::atomic::{AtomicBool, Ordering::*};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::*;

const SECOND: Duration = Duration::from_secs(1);

/// The other party: started when `gate` opens, joined outside the stretch.
macro_rules! against {
    ($ops:ident, $other:block, $me:block) => {{
        let gate = Arc::new(Gate::new());
        let passing = gate.clone();
        let other = tokio::spawn(async move {
            passing.pass().await;
            for _ in 0..$ops {
                $other
            }
        });
        let t = gate.start(1).await;
        for _ in 0..$ops {
            $me
        }
        let m = t.stop($ops);
        other.await.unwrap();
        m
    }};
}

async fn notify(ops: u64) -> Measured {
    let (ping, pong) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (ping2, pong2) = (ping.clone(), pong.clone());

    against!(
        ops,
        {
            ping2.notified().await;
            pong2.notify_one();
        },
        {
            ping.notify_one();
            pong.notified().await;
        }
    )
}

async fn timed(ops: u64) -> Measured {
    let (ping, pong) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (ping2, pong2) = (ping.clone(), pong.clone());

    against!(
        ops,
        {
            tokio::time::timeout(SECOND, ping2.notified())
                .await
                .unwrap();
            pong2.notify_one();
        },
        {
            ping.notify_one();
            tokio::time::timeout(SECOND, pong.notified()).await.unwrap();
        }
    )
}

async fn semaphores(ops: u64) -> Measured {
    let (ping, pong) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let (ping2, pong2) = (ping.clone(), pong.clone());

    against!(
        ops,
        {
            ping2.acquire().await.unwrap().forget();
            pong2.add_permits(1);
        },
        {
            ping.add_permits(1);
            pong.acquire().await.unwrap().forget();
        }
    )
}

async fn capacity1(ops: u64) -> Measured {
    let (there, mut at_other) = mpsc::channel::<u64>(1);
    let (back, mut at_me) = mpsc::channel::<u64>(1);
    let mut expected = 0;

    against!(
        ops,
        {
            let v = at_other.recv().await.unwrap();
            check(back.send(v + 1).await.is_ok(), "pp.mpsc1");
        },
        {
            there.send(expected).await.unwrap();
            expected += 1;
            check(at_me.recv().await == Some(expected), "pp.mpsc1");
        }
    )
}

/// The reply's sender travels with the request, the next request's sender with
/// the reply: two oneshots a round trip, and nothing else.
struct Request(u64, oneshot::Sender<Reply>);
struct Reply(u64, oneshot::Sender<Request>);

async fn oneshots(ops: u64) -> Measured {
    let (mut to_other, mut at_other) = oneshot::channel::<Request>();
    let mut expected = 0;

    against!(
        ops,
        {
            let Request(v, reply) = at_other.await.unwrap();
            let (tx, rx) = oneshot::channel();

            at_other = rx;
            check(reply.send(Reply(v + 1, tx)).is_ok(), "pp.oneshot");
        },
        {
            let (tx, rx) = oneshot::channel();

            check(to_other.send(Request(expected, tx)).is_ok(), "pp.oneshot");
            expected += 1;
            let Reply(v, next) = rx.await.unwrap();
            check(v == expected, "pp.oneshot");
            to_other = next;
        }
    )
}

/// Two current-thread runtimes on two processors.
fn notify_x2(ops: u64) -> Measured {
    let (ping, pong) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let gate = ThreadGate::new(1);

    std::thread::scope(|scope| {
        let (ping2, pong2, passing) = (ping.clone(), pong.clone(), &gate);

        scope.spawn(move || {
            pin_to(1);
            let rt = runtime_ct();
            passing.pass();
            rt.block_on(async {
                tokio::spawn(async move {
                    for _ in 0..ops {
                        ping2.notified().await;
                        pong2.notify_one();
                    }
                })
                .await
                .unwrap()
            });
        });
        let me = scope.spawn(|| {
            pin_to(0);
            let rt = runtime_ct();
            let t = gate.start();
            rt.block_on(async move {
                tokio::spawn(async move {
                    for _ in 0..ops {
                        ping.notify_one();
                        pong.notified().await;
                    }
                })
                .await
                .unwrap()
            });
            t.stop(ops)
        });
        me.join().unwrap()
    })
}

/// Two threads on two processors; the flag is there because a park may end
/// for no reason.
fn park_t2(ops: u64) -> Measured {
    let (ping, pong) = (&AtomicBool::new(false), &AtomicBool::new(false));
    let gate = &ThreadGate::new(1);
    let wait = |flag: &AtomicBool| {
        while !flag.swap(false, Acquire) {
            std::thread::park();
        }
    };

    std::thread::scope(|scope| {
        let me = scope.spawn(move || {
            pin_to(0);
            let asker = std::thread::current();

            std::thread::scope(|inner| {
                let other = inner.spawn(move || {
                    pin_to(1);
                    gate.pass();
                    for _ in 0..ops {
                        wait(ping);
                        pong.store(true, Release);
                        asker.unpark();
                    }
                });
                let t = gate.start();
                for _ in 0..ops {
                    ping.store(true, Release);
                    other.thread().unpark();
                    wait(pong);
                }
                t.stop(ops)
            })
        });
        me.join().unwrap()
    })
}

// ---- Actors ----

async fn actor(clients: u64, ops: u64) -> Measured {
    let (to_server, mut requests) = mpsc::channel::<(u64, oneshot::Sender<u64>)>(100);
    let each = ops / clients;
    let gate = Arc::new(Gate::new());
    let mut tasks = Vec::new();

    let server = tokio::spawn(async move {
        while let Some((v, reply)) = requests.recv().await {
            check(reply.send(v + 1).is_ok(), "actor");
        }
    });
    for _ in 0..clients {
        let (gate, tx) = (gate.clone(), to_server.clone());

        tasks.push(tokio::spawn(async move {
            gate.pass().await;
            for i in 0..each {
                let (reply, answer) = oneshot::channel();

                check(tx.send((i, reply)).await.is_ok(), "actor");
                check(answer.await == Ok(i + 1), "actor");
            }
        }));
    }
    drop(to_server);
    let t = gate.start(clients as usize).await;
    for task in tasks {
        task.await.unwrap();
    }
    let m = t.stop(each * clients);
    server.await.unwrap();
    m
}

fn actor_threads(clients: u64, ops: u64) -> Measured {
    let (to_server, requests) =
        crossbeam_channel::bounded::<(u64, crossbeam_channel::Sender<u64>)>(100);
    let each = ops / clients;
    let gate = &ThreadGate::new(clients as usize);

    std::thread::scope(|scope| {
        scope.spawn(move || {
            for (v, reply) in requests {
                check(reply.send(v + 1).is_ok(), "actor");
            }
        });
        let threads: Vec<_> = (0..clients)
            .map(|_| {
                let tx = to_server.clone();

                scope.spawn(move || {
                    gate.pass();
                    for i in 0..each {
                        let (reply, answer) = crossbeam_channel::bounded(1);

                        check(tx.send((i, reply)).is_ok(), "actor");
                        check(answer.recv() == Ok(i + 1), "actor");
                    }
                })
            })
            .collect();
        drop(to_server);
        let t = gate.start();
        for thread in threads {
            thread.join().unwrap();
        }
        t.stop(each * clients)
    })
}

pub fn add(list: &mut List) {
    list.add(TOKIO, "pp.notify.ct", 1_000_000, |l| ct(notify(l.ops)));
    list.add(TOKIO, "pp.notify.mt", 1_000_000, |l| mt(notify(l.ops)));
    list.add(TOKIO, "pp.oneshot.mt", 1_000_000, |l| mt(oneshots(l.ops)));
    list.add(TOKIO, "pp.mpsc1.mt", 1_000_000, |l| mt(capacity1(l.ops)));
    list.add(TOKIO, "pp.mpsc1.ct", 1_000_000, |l| ct(capacity1(l.ops)));
    list.add(TOKIO, "pp.sem.mt", 1_000_000, |l| mt(semaphores(l.ops)));
    list.add(TOKIO, "pp.tmo.mt", 500_000, |l| mt(timed(l.ops)));
    list.add(TOKIO, "pp.tmo.ct", 500_000, |l| ct(timed(l.ops)));
    list.add(TOKIO, "pp.notify.x2", 10_000, |l| notify_x2(l.ops));
    list.add(STD_PARK, "pp.notify.t2", 10_000, |l| park_t2(l.ops));
    list.add(TOKIO, "actor.1.mt", 500_000, |l| mt(actor(1, l.ops)));
    list.add(TOKIO, "actor.10.mt", 500_000, |l| mt(actor(10, l.ops)));
    list.add(TOKIO, "actor.100.mt", 500_000, |l| mt(actor(100, l.ops)));
    list.add(CROSSBEAM, "actor.10.thr", 100_000, |l| {
        actor_threads(10, l.ops)
    });
}
