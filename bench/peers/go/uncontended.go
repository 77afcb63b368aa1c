package main

import (
	"context"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"
)

// u.*: one goroutine, nobody else.

var background = context.Background()

func semWeighted(ops int) measured {
	s := semaphore.NewWeighted(1)
	t := start()
	for i := 0; i < ops; i++ {
		if s.Acquire(background, 1) != nil {
			check(false, "u.sem")
		}
		s.Release(1)
	}
	m := t.stop(ops)
	check(s.TryAcquire(1), "u.sem")
	return m
}

func semChan(ops int) measured {
	s := make(chan struct{}, 1)
	t := start()
	for i := 0; i < ops; i++ {
		s <- struct{}{}
		<-s
	}
	m := t.stop(ops)
	check(len(s) == 0, "u.sem")
	return m
}

func semTryWeighted(ops int) measured {
	s := semaphore.NewWeighted(1)
	t := start()
	for i := 0; i < ops; i++ {
		if !s.TryAcquire(1) {
			check(false, "u.sem_try")
		}
		s.Release(1)
	}
	return t.stop(ops)
}

func semTryChan(ops int) measured {
	s := make(chan struct{}, 1)
	got := 0
	t := start()
	for i := 0; i < ops; i++ {
		select {
		case s <- struct{}{}:
			got++
			<-s
		default:
		}
	}
	m := t.stop(ops)
	check(got == ops, "u.sem_try")
	return m
}

func semTryFail(ops int) measured {
	s := semaphore.NewWeighted(0)
	failed := 0
	t := start()
	for i := 0; i < ops; i++ {
		if !s.TryAcquire(1) {
			failed++
		}
	}
	m := t.stop(ops)
	check(failed == ops, "u.sem_tryfail")
	return m
}

func mutexAlone(ops int) measured {
	var l sync.Mutex
	n := 0
	t := start()
	for i := 0; i < ops; i++ {
		l.Lock()
		n++
		l.Unlock()
	}
	m := t.stop(ops)
	check(n == ops, "u.mutex")
	return m
}

func rwRead(ops int) measured {
	var l sync.RWMutex
	value, sum := 1, 0
	t := start()
	for i := 0; i < ops; i++ {
		l.RLock()
		sum += value
		l.RUnlock()
	}
	m := t.stop(ops)
	check(sum == ops, "u.rw_read")
	return m
}

func rwWrite(ops int) measured {
	var l sync.RWMutex
	n := 0
	t := start()
	for i := 0; i < ops; i++ {
		l.Lock()
		n++
		l.Unlock()
	}
	m := t.stop(ops)
	check(n == ops, "u.rw_write")
	return m
}

func oneshotAlone(ops int) measured {
	var sum uint64
	t := start()
	for i := 0; i < ops; i++ {
		c := make(chan uint64, 1)
		c <- uint64(i)
		sum += <-c
	}
	m := t.stop(ops)
	check(sum == sumBelow(ops), "u.oneshot")
	return m
}

func notifyAlone(ops int) measured {
	c := make(chan struct{}, 1)
	t := start()
	for i := 0; i < ops; i++ {
		select {
		case c <- struct{}{}:
		default:
		}
		<-c
	}
	m := t.stop(ops)
	check(len(c) == 0, "u.notify")
	return m
}

func watchAlone(ops int) measured {
	w := newWatch()
	var sum uint64
	t := start()
	for i := 0; i < ops; i++ {
		w.send(uint64(i))
		sum += w.borrow()
	}
	m := t.stop(ops)
	check(sum == sumBelow(ops), "u.watch")
	return m
}

func watchBorrow(ops int) measured {
	w := newWatch()
	w.send(1)
	var sum uint64
	t := start()
	for i := 0; i < ops; i++ {
		sum += w.borrow()
	}
	m := t.stop(ops)
	check(sum == uint64(ops), "u.watch_borrow")
	return m
}

func mpscAlone(ops int) measured {
	c := make(chan uint64, 100)
	var sum uint64
	t := start()
	for i := 0; i < ops; i++ {
		c <- uint64(i)
		sum += <-c
	}
	m := t.stop(ops)
	check(sum == sumBelow(ops), "u.mpsc")
	return m
}

func mpscTry(ops int) measured {
	c := make(chan uint64, 100)
	var sum uint64
	t := start()
	for i := 0; i < ops; i++ {
		select {
		case c <- uint64(i):
		default:
		}
		select {
		case v := <-c:
			sum += v
		default:
		}
	}
	m := t.stop(ops)
	check(sum == sumBelow(ops), "u.mpsc_try")
	return m
}

// The timer is one that is set anew each time.
func timeoutChan(ops int) measured {
	s := make(chan struct{}, 1)
	limit := time.NewTimer(time.Hour)
	limit.Stop()
	t := start()
	for i := 0; i < ops; i++ {
		limit.Reset(time.Second)
		select {
		case s <- struct{}{}:
		case <-limit.C:
			check(false, "u.timeout")
		}
		limit.Stop()
		<-s
	}
	return t.stop(ops)
}

var uncontended = []workload{
	{"weighted", "u.sem", 1, 5000000, counted(semWeighted)},
	{"chan", "u.sem", 1, 5000000, counted(semChan)},
	{"weighted", "u.sem_try", 1, 5000000, counted(semTryWeighted)},
	{"chan", "u.sem_try", 1, 5000000, counted(semTryChan)},
	{"weighted", "u.sem_tryfail", 1, 5000000, counted(semTryFail)},
	{"", "u.mutex", 1, 10000000, counted(mutexAlone)},
	{"", "u.rw_read", 1, 10000000, counted(rwRead)},
	{"", "u.rw_write", 1, 10000000, counted(rwWrite)},
	{"chan", "u.oneshot", 1, 3000000, counted(oneshotAlone)},
	{"chan", "u.notify", 1, 5000000, counted(notifyAlone)},
	{"closechan", "u.watch", 1, 3000000, counted(watchAlone)},
	{"rwmutex", "u.watch_borrow", 1, 10000000, counted(watchBorrow)},
	{"chan", "u.mpsc", 1, 5000000, counted(mpscAlone)},
	{"chan", "u.mpsc_try", 1, 5000000, counted(mpscTry)},
	{"chan", "u.timeout", 1, 2000000, counted(timeoutChan)},
}
