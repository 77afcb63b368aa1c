package main

import (
	"runtime"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"
)

// pp.*, actor.*: two parties that wait for each other; clients of one server.

// against runs ops turns of me against as many of the other.
func against(ops int, other, me func(ops int)) measured {
	var done sync.WaitGroup
	g := newGate(1)

	done.Add(1)
	go func() {
		g.pass()
		other(ops)
		done.Done()
	}()
	t := g.start()
	me(ops)
	m := t.stop(ops)
	done.Wait()
	return m
}

func notifyOne(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

func notified(ops int) measured {
	ping, pong := make(chan struct{}, 1), make(chan struct{}, 1)

	return against(ops, func(ops int) {
		for i := 0; i < ops; i++ {
			<-ping
			notifyOne(pong)
		}
	}, func(ops int) {
		for i := 0; i < ops; i++ {
			notifyOne(ping)
			<-pong
		}
	})
}

// limited waits with a timer that is set anew each time.
type limited struct {
	c     chan struct{}
	timer *time.Timer
}

func newLimited() limited {
	l := limited{make(chan struct{}, 1), time.NewTimer(time.Hour)}
	l.timer.Stop()
	return l
}

func (l *limited) wait() {
	l.timer.Reset(time.Second)
	select {
	case <-l.c:
	case <-l.timer.C:
		check(false, "pp.tmo: a second passed")
	}
	l.timer.Stop()
}

func timed(ops int) measured {
	ping, pong := newLimited(), newLimited()

	return against(ops, func(ops int) {
		for i := 0; i < ops; i++ {
			ping.wait()
			notifyOne(pong.c)
		}
	}, func(ops int) {
		for i := 0; i < ops; i++ {
			notifyOne(ping.c)
			pong.wait()
		}
	})
}

func capacity1(ops int) measured {
	there, back := make(chan uint64, 1), make(chan uint64, 1)

	return against(ops, func(ops int) {
		for i := 0; i < ops; i++ {
			back <- <-there + 1
		}
	}, func(ops int) {
		for i := 0; i < ops; i++ {
			there <- uint64(i)
			check(<-back == uint64(i)+1, "pp.mpsc1")
		}
	})
}

// A request brings the channel for its reply, a reply the one for the next
// request: two fresh channels a round trip.
type request struct {
	value uint64
	reply chan reply
}

type reply struct {
	value uint64
	next  chan request
}

func oneshots(ops int) measured {
	first := make(chan request, 1)

	return against(ops, func(ops int) {
		in := first
		for i := 0; i < ops; i++ {
			q := <-in
			in = make(chan request, 1)
			q.reply <- reply{q.value + 1, in}
		}
	}, func(ops int) {
		out := first
		for i := 0; i < ops; i++ {
			answer := make(chan reply, 1)
			out <- request{uint64(i), answer}
			r := <-answer
			check(r.value == uint64(i)+1, "pp.oneshot")
			out = r.next
		}
	})
}

func takenSemaphore() *semaphore.Weighted {
	s := semaphore.NewWeighted(1)
	check(s.TryAcquire(1), "semaphore")
	return s
}

func acquire(s *semaphore.Weighted) {
	if s.Acquire(background, 1) != nil {
		check(false, "semaphore")
	}
}

func semaphores(ops int) measured {
	ping, pong := takenSemaphore(), takenSemaphore()

	return against(ops, func(ops int) {
		for i := 0; i < ops; i++ {
			acquire(ping)
			pong.Release(1)
		}
	}, func(ops int) {
		for i := 0; i < ops; i++ {
			ping.Release(1)
			acquire(pong)
		}
	})
}

// Each goroutine has a thread of its own, on a processor of its own. The
// threads end with their goroutines, which stay locked to them.
func notifiedPinned(ops int) measured {
	ping, pong := make(chan struct{}, 1), make(chan struct{}, 1)
	g := newGate(1)
	result := make(chan measured)
	var done sync.WaitGroup

	done.Add(1)
	go func() {
		runtime.LockOSThread()
		pin(1)
		g.pass()
		for i := 0; i < ops; i++ {
			<-ping
			notifyOne(pong)
		}
		done.Done()
	}()
	go func() {
		runtime.LockOSThread()
		pin(0)
		t := g.start()
		for i := 0; i < ops; i++ {
			notifyOne(ping)
			<-pong
		}
		result <- t.stop(ops)
	}()
	m := <-result
	done.Wait()
	return m
}

// ---- Actors ----

type question struct {
	value uint64
	reply chan uint64
}

func actor(clients, ops int) measured {
	requests := make(chan question, 100)
	each := ops / clients
	g := newGate(clients)
	var done sync.WaitGroup

	go func() {
		for q := range requests {
			q.reply <- q.value + 1
		}
	}()
	done.Add(clients)
	for c := 0; c < clients; c++ {
		go func() {
			g.pass()
			for i := 0; i < each; i++ {
				answer := make(chan uint64, 1)
				requests <- question{uint64(i), answer}
				check(<-answer == uint64(i)+1, "actor")
			}
			done.Done()
		}()
	}
	t := g.start()
	done.Wait()
	m := t.stop(each * clients)
	close(requests)
	return m
}

func acting(clients int) func(l load) []line {
	return counted(func(ops int) measured { return actor(clients, ops) })
}

var roundtrips = []workload{
	{"", "pp.notify.ct", 1, 1000000, counted(notified)},
	{"", "pp.notify.mt", 2, 1000000, counted(notified)},
	{"", "pp.oneshot.mt", 2, 1000000, counted(oneshots)},
	{"", "pp.mpsc1.mt", 2, 1000000, counted(capacity1)},
	{"", "pp.mpsc1.ct", 1, 1000000, counted(capacity1)},
	{"weighted", "pp.sem.mt", 2, 500000, counted(semaphores)},
	{"", "pp.tmo.mt", 2, 500000, counted(timed)},
	{"", "pp.tmo.ct", 1, 500000, counted(timed)},
	{"", "pp.notify.x2", 2, 10000, counted(notifiedPinned)},
	{"", "actor.1.mt", 2, 500000, acting(1)},
	{"", "actor.10.mt", 2, 500000, acting(10)},
	{"", "actor.100.mt", 2, 500000, acting(100)},
}
