package main

import (
	"sync"
)

// bc.*, bcw.*: a channel for each receiver. watch.*: a value, and a channel
// that is closed when it changes. ops are deliveries.

func fan(receivers, burst, ops int) measured {
	bursts := ops / receivers / burst
	if bursts < 1 {
		bursts = 1
	}
	var heard, done sync.WaitGroup
	to := make([]chan uint64, receivers)
	g := newGate(receivers)

	done.Add(receivers)
	for i := range to {
		c := make(chan uint64, 64)
		to[i] = c
		go func() {
			g.pass()
			for b := 0; b < bursts; b++ {
				for k := 0; k < burst; k++ {
					check(<-c == uint64(b*burst+k), "bc: a wrong value")
				}
				heard.Done()
			}
			done.Done()
		}()
	}
	t := g.start()
	for b := 0; b < bursts; b++ {
		heard.Add(receivers)
		for k := 0; k < burst; k++ {
			for _, c := range to {
				c <- uint64(b*burst + k)
			}
		}
		heard.Wait()
	}
	m := t.stop(bursts * burst * receivers)
	done.Wait()
	return m
}

type watch struct {
	lock    sync.RWMutex
	value   uint64
	changed chan struct{}
}

func newWatch() *watch {
	return &watch{changed: make(chan struct{})}
}

func (w *watch) send(value uint64) {
	w.lock.Lock()
	changed := w.changed
	w.value, w.changed = value, make(chan struct{})
	w.lock.Unlock()
	close(changed)
}

func (w *watch) borrow() uint64 {
	w.lock.RLock()
	value := w.value
	w.lock.RUnlock()
	return value
}

// see returns the value, and what is closed when there is another.
func (w *watch) see() (uint64, chan struct{}) {
	w.lock.RLock()
	value, changed := w.value, w.changed
	w.lock.RUnlock()
	return value, changed
}

func watching(receivers, ops int) measured {
	changes := ops / receivers
	if changes < 1 {
		changes = 1
	}
	var heard, done sync.WaitGroup
	w := newWatch()
	g := newGate(receivers)

	done.Add(receivers)
	for i := 0; i < receivers; i++ {
		go func() {
			value, changed := w.see()
			g.pass()
			for i := 0; i < changes; i++ {
				<-changed
				value, changed = w.see()
				check(value == uint64(i)+1, "watch: a wrong value")
				heard.Done()
			}
			done.Done()
		}()
	}
	t := g.start()
	for i := 0; i < changes; i++ {
		heard.Add(receivers)
		w.send(uint64(i) + 1)
		heard.Wait()
	}
	m := t.stop(changes * receivers)
	done.Wait()
	return m
}

func fanning(receivers, burst int) func(l load) []line {
	return counted(func(ops int) measured { return fan(receivers, burst, ops) })
}

func watchedBy(receivers int) func(l load) []line {
	return counted(func(ops int) measured { return watching(receivers, ops) })
}

var fanout = []workload{
	{"fanout", "bc.10.mt", 2, 5000000, fanning(10, 64)},
	{"fanout", "bc.1000.mt", 2, 6400000, fanning(1000, 64)},
	{"fanout", "bcw.10.mt", 2, 1000000, fanning(10, 1)},
	{"fanout", "bcw.1000.mt", 2, 1000000, fanning(1000, 1)},
	{"closechan", "watch.10.mt", 2, 1000000, watchedBy(10)},
	{"closechan", "watch.1000.mt", 2, 1000000, watchedBy(1000)},
}
