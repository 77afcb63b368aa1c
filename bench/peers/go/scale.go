package main

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"
)

// park.1M.mt and sleep.1M.mt: a million goroutines at once.

// resident is what the process has of the machine's memory.
func resident() int64 {
	var size, pages int64
	text, err := os.ReadFile("/proc/self/statm")
	check(err == nil, "/proc/self/statm")
	_, err = fmt.Sscan(string(text), &size, &pages)
	check(err == nil, "/proc/self/statm")
	return pages * int64(os.Getpagesize())
}

func park(l load) []line {
	n := l.ops
	s := semaphore.NewWeighted(int64(n))
	check(s.TryAcquire(int64(n)), "park")
	var waiting atomic.Int64
	var done sync.WaitGroup

	debug.FreeOSMemory()
	before := resident()
	done.Add(n)
	t := start()
	for i := 0; i < n; i++ {
		go func() {
			waiting.Add(1)
			acquire(s)
			done.Done()
		}()
	}
	for waiting.Load() != int64(n) {
		runtime.Gosched()
	}
	there := t.stop(n)
	each := (resident() - before) / int64(n)
	t = start()
	s.Release(int64(n))
	done.Wait()
	woken := t.stop(n)
	check(!s.TryAcquire(1), "park")
	return []line{
		{"", there},
		{".bytes", measured{ops: 1, ns: each}},
		{".wake", woken},
	}
}

// someTime is below a second and looks random (splitmix64).
func someTime(of int) time.Duration {
	z := (uint64(of) + 1) * 0x9e3779b97f4a7c15
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb
	return time.Duration((z ^ (z >> 31)) % 1000000000)
}

func sleep(ops int) measured {
	var late atomic.Int64
	var done sync.WaitGroup

	debug.FreeOSMemory()
	done.Add(ops)
	t := start()
	for i := 0; i < ops; i++ {
		d := someTime(i)
		go func() {
			begun := time.Now()
			time.Sleep(d)
			over := time.Since(begun) - d
			check(over >= 0, "sleep: woken too early")
			late.Add(int64(over))
			done.Done()
		}()
	}
	done.Wait()
	m := t.stop(ops)
	m.lateness, m.longest = true, late.Load()/int64(ops)
	return m
}

var scaleRows = []workload{
	{"weighted", "park.1M.mt", 2, 1000000, park},
	{"", "sleep.1M.mt", 2, 1000000, counted(sleep)},
}
