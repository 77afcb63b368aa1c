package main

import (
	"fmt"
	"os"
	"sync"
	"syscall"
	"time"
	"unsafe"
)

// measured is one line of results.
type measured struct {
	ops, ns, cpu int64
	competed     bool // fairness and longest say something
	fairness     float64
	longest      int64
	lateness     bool // only longest does
}

func (m measured) String() string {
	s := fmt.Sprintf("%d %d %d", m.ops, m.ns, m.cpu)
	switch {
	case m.competed:
		return s + fmt.Sprintf(" %.3f %d", m.fairness, m.longest)
	case m.lateness:
		return s + fmt.Sprintf(" - %d", m.longest)
	}
	return s + " - -"
}

// stretch is what is measured, from start to stop.
type stretch struct {
	at  time.Time
	cpu int64
}

// cpuNow is the processor time of the whole process.
func cpuNow() int64 {
	const processClock = 2
	var t syscall.Timespec

	_, _, e := syscall.RawSyscall(syscall.SYS_CLOCK_GETTIME, processClock,
		uintptr(unsafe.Pointer(&t)), 0)
	check(e == 0, "clock_gettime")
	return t.Nano()
}

func start() stretch {
	cpu := cpuNow()
	return stretch{time.Now(), cpu}
}

func (s stretch) stop(ops int) measured {
	ns := time.Since(s.at).Nanoseconds()
	return measured{ops: int64(ops), ns: ns, cpu: cpuNow() - s.cpu}
}

// gate lets parties start together, once all are there.
type gate struct {
	ready sync.WaitGroup
	open  chan struct{}
}

func newGate(parties int) *gate {
	g := &gate{open: make(chan struct{})}
	g.ready.Add(parties)
	return g
}

func (g *gate) pass() {
	g.ready.Done()
	<-g.open
}

func (g *gate) start() stretch {
	g.ready.Wait()
	s := start()
	close(g.open)
	return s
}

// work is 40 cycles: 20 steps, each of which needs the one before and takes two.
func work(seed *uint32) {
	x := *seed
	for i := 0; i < 20; i++ {
		x ^= x << 1
	}
	*seed = x | 1
}

func check(right bool, what string) {
	if !right {
		fmt.Fprintln(os.Stderr, "peer-go: wrong result:", what)
		os.Exit(1)
	}
}

// sumBelow is 0 + 1 + ... + n-1.
func sumBelow(n int) uint64 {
	return uint64(n) * uint64(n-1) / 2
}

// pin binds the calling thread, to which the goroutine is locked, to a
// processor.
func pin(cpu int) {
	var mask [16]uint64

	mask[cpu/64] |= 1 << (cpu % 64)
	_, _, e := syscall.RawSyscall(syscall.SYS_SCHED_SETAFFINITY, 0,
		unsafe.Sizeof(mask), uintptr(unsafe.Pointer(&mask)))
	check(e == 0, "cannot pin a thread to a processor")
}
