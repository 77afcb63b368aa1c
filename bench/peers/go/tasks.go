package main

import (
	"runtime"
	"sync"
)

// task.*: goroutines started, joined (by a channel each, or a WaitGroup for
// many), yielding.

func spawn1(ops int) measured {
	var sum uint64
	joined := make(chan uint64)
	t := start()
	for i := 0; i < ops; i++ {
		v := uint64(i)
		go func() { joined <- v }()
		sum += <-joined
	}
	m := t.stop(ops)
	check(sum == sumBelow(ops), "task.spawn1")
	return m
}

func spawn1k(ops int) measured {
	rounds := ops / 1000
	if rounds < 1 {
		rounds = 1
	}
	var done sync.WaitGroup
	results := make([]uint64, 1000)
	var sum uint64
	t := start()
	for r := 0; r < rounds; r++ {
		done.Add(1000)
		for i := range results {
			result, v := &results[i], uint64(i)
			go func() {
				*result = v
				done.Done()
			}()
		}
		done.Wait()
		for _, v := range results {
			sum += v
		}
	}
	m := t.stop(rounds * 1000)
	check(sum == uint64(rounds)*sumBelow(1000), "task.spawn1k")
	return m
}

func yield(parties, ops int) measured {
	each := ops / parties
	if each < 1 {
		each = 1
	}
	var done sync.WaitGroup
	g := newGate(parties)

	done.Add(parties)
	for p := 0; p < parties; p++ {
		go func() {
			g.pass()
			for i := 0; i < each; i++ {
				runtime.Gosched()
			}
			done.Done()
		}()
	}
	t := g.start()
	done.Wait()
	return t.stop(each * parties)
}

func yielding(parties int) func(l load) []line {
	return counted(func(ops int) measured { return yield(parties, ops) })
}

var tasks = []workload{
	{"", "task.spawn1.mt", 2, 1000000, counted(spawn1)},
	{"", "task.spawn1.ct", 1, 1000000, counted(spawn1)},
	{"", "task.spawn1k.ct", 1, 1000000, counted(spawn1k)},
	{"", "task.spawn1k.mt", 2, 1000000, counted(spawn1k)},
	{"", "task.yield2.ct", 1, 2000000, yielding(2)},
	{"", "task.yield1k.ct", 1, 5000000, yielding(1000)},
	{"", "task.yield1k.mt", 2, 5000000, yielding(1000)},
}
