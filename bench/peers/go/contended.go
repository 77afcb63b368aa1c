package main

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"
)

// c.*.mt: N goroutines on two processors that compete for one object.

// party is one of them, and what it did.
type party struct {
	yields, timed bool
	turns         int64
	longest       time.Duration
	begun         time.Time
	seed          uint32
	_             [64]byte
}

func (p *party) begin() {
	if p.timed {
		p.begun = time.Now()
	}
}

func (p *party) end() {
	if p.timed {
		if d := time.Since(p.begun); d > p.longest {
			p.longest = d
		}
	}
}

func (p *party) hold() {
	work(&p.seed)
	if p.yields {
		runtime.Gosched()
	}
}

// contender makes the object and returns what a party does until told to stop.
type contender func() func(p *party, stop *atomic.Bool)

func byWeighted() func(p *party, stop *atomic.Bool) {
	s := semaphore.NewWeighted(1)
	return func(p *party, stop *atomic.Bool) {
		for !stop.Load() {
			p.begin()
			if s.Acquire(background, 1) != nil {
				check(false, "c.sem")
			}
			p.end()
			p.hold()
			s.Release(1)
			p.turns++
		}
	}
}

func byChan() func(p *party, stop *atomic.Bool) {
	s := make(chan struct{}, 1)
	return func(p *party, stop *atomic.Bool) {
		for !stop.Load() {
			p.begin()
			s <- struct{}{}
			p.end()
			p.hold()
			<-s
			p.turns++
		}
	}
}

func byMutex() func(p *party, stop *atomic.Bool) {
	l := new(sync.Mutex)
	return func(p *party, stop *atomic.Bool) {
		for !stop.Load() {
			p.begin()
			l.Lock()
			p.end()
			p.hold()
			l.Unlock()
			p.turns++
		}
	}
}

func byRW90() func(p *party, stop *atomic.Bool) {
	l := new(sync.RWMutex)
	return func(p *party, stop *atomic.Bool) {
		for !stop.Load() {
			p.begin()
			if p.turns%10 != 0 {
				l.RLock()
				p.end()
				p.hold()
				l.RUnlock()
			} else {
				l.Lock()
				p.end()
				p.hold()
				l.Unlock()
			}
			p.turns++
		}
	}
}

// contest runs n parties for so many seconds.
func contest(n int, of contender, yields, timed bool, seconds float64) (measured, []party) {
	var stop atomic.Bool
	var done sync.WaitGroup
	parties := make([]party, n)
	run := of()
	g := newGate(n)

	done.Add(n)
	for i := range parties {
		p := &parties[i]
		p.yields, p.timed = yields, timed
		go func() {
			g.pass()
			run(p, &stop)
			done.Done()
		}()
	}
	t := g.start()
	time.Sleep(time.Duration(seconds * 1e9))
	stop.Store(true)
	done.Wait()
	return t.stop(0), parties
}

func competing(n int, yields bool, of contender) func(l load) []line {
	return one(func(l load) measured {
		m, plain := contest(n, of, yields, false, l.scale)
		_, timed := contest(n, of, yields, true, l.scale*0.3)
		least := plain[0].turns
		for i := range plain {
			m.ops += plain[i].turns
			if plain[i].turns < least {
				least = plain[i].turns
			}
			if ns := timed[i].longest.Nanoseconds(); ns > m.longest {
				m.longest = ns
			}
		}
		check(m.ops > 0, "c.*: nobody ever got in")
		m.competed = true
		m.fairness = float64(least) * float64(n) / float64(m.ops)
		return m
	})
}

var contended = []workload{
	{"chan", "c.sem.2.mt", 2, 1, competing(2, false, byChan)},
	{"weighted", "c.sem.2.mt", 2, 1, competing(2, false, byWeighted)},
	{"chan", "c.sem.64.mt", 2, 1, competing(64, false, byChan)},
	{"weighted", "c.sem.64.mt", 2, 1, competing(64, false, byWeighted)},
	{"chan", "c.sem.1000.mt", 2, 1, competing(1000, false, byChan)},
	{"weighted", "c.sem.1000.mt", 2, 1, competing(1000, false, byWeighted)},
	{"chan", "c.semy.64.mt", 2, 1, competing(64, true, byChan)},
	{"weighted", "c.semy.64.mt", 2, 1, competing(64, true, byWeighted)},
	{"", "c.mutex.64.mt", 2, 1, competing(64, false, byMutex)},
	{"", "c.mutexy.64.mt", 2, 1, competing(64, true, byMutex)},
	{"", "c.rw90.64.mt", 2, 1, competing(64, false, byRW90)},
}
