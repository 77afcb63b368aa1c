package main

// ch.*, ch5.*: producers to one consumer, the measuring goroutine.

func pipe8(producers, capacity, ops int) measured {
	c := make(chan uint64, capacity)
	each := ops / producers
	g := newGate(producers)
	var sum uint64

	for p := 0; p < producers; p++ {
		go func() {
			g.pass()
			for i := 0; i < each; i++ {
				c <- uint64(i)
			}
		}()
	}
	t := g.start()
	for i := 0; i < each*producers; i++ {
		sum += <-c
	}
	m := t.stop(each * producers)
	check(sum == uint64(producers)*sumBelow(each), "ch.*: messages lost")
	return m
}

func pipe1k(producers, capacity, ops int) measured {
	c := make(chan [128]uint64, capacity)
	each := ops / producers
	g := newGate(producers)
	var sum uint64

	for p := 0; p < producers; p++ {
		go func() {
			var v [128]uint64
			g.pass()
			for i := 0; i < each; i++ {
				v[127] = uint64(i)
				c <- v
			}
		}()
	}
	t := g.start()
	for i := 0; i < each*producers; i++ {
		v := <-c
		sum += v[127]
	}
	m := t.stop(each * producers)
	check(sum == uint64(producers)*sumBelow(each), "ch.*: messages lost")
	return m
}

func piping(producers, capacity int) func(l load) []line {
	return counted(func(ops int) measured { return pipe8(producers, capacity, ops) })
}

var channels = []workload{
	{"", "ch.b1.mt", 2, 1000000, piping(1, 1)},
	{"", "ch.b1.ct", 1, 1000000, piping(1, 1)},
	{"", "ch.b100.mt", 2, 2000000, piping(1, 100)},
	{"", "ch.b100.ct", 1, 2000000, piping(1, 100)},
	{"", "ch.b1000.mt", 2, 2000000, piping(1, 1000)},
	{"", "ch5.b100.mt", 2, 2000000, piping(5, 100)},
	{"", "ch.b100.mt.1k", 2, 500000, counted(func(ops int) measured {
		return pipe1k(1, 100, ops)
	})},
}
