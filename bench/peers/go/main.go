// The peer in Go: channels, sync, golang.org/x/sync/semaphore, goroutines and
// net. What each workload is and how it is printed is said in ../README.md.
package main

import (
	"fmt"
	"os"
	"regexp"
	"runtime"
	"strconv"
	"strings"
)

// load is what one pass of a workload is to do.
type load struct {
	ops   int
	scale float64 // of the seconds, where a workload runs for a time
}

type line struct {
	suffix string
	measured
}

type workload struct {
	variant string
	name    string
	procs   int // GOMAXPROCS: 1 is the "current-thread runtime"
	ops     int
	run     func(l load) []line
}

// one makes a workload's function of one that prints a single line.
func one(f func(l load) measured) func(l load) []line {
	return func(l load) []line { return []line{{"", f(l)}} }
}

// counted is the same for one that needs to know only its operations.
func counted(f func(ops int) measured) func(l load) []line {
	return one(func(l load) measured { return f(l.ops) })
}

// goName is "go1.19" of go1.19.8.
func goName() string {
	parts := strings.SplitN(runtime.Version(), ".", 3)
	if len(parts) < 2 {
		return parts[0]
	}
	return parts[0] + "." + parts[1]
}

func (w *workload) impl() string {
	if w.variant == "" {
		return goName()
	}
	return goName() + "/" + w.variant
}

func usage() {
	fmt.Fprintln(os.Stderr,
		"usage: peer-go [--list] [--version] [--filter REGEX] [--scale F]")
	os.Exit(2)
}

func all() []workload {
	var list []workload

	list = append(list, uncontended...)
	list = append(list, contended...)
	list = append(list, channels...)
	list = append(list, roundtrips...)
	list = append(list, fanout...)
	list = append(list, tasks...)
	list = append(list, network...)
	list = append(list, scaleRows...)
	return list
}

func (w *workload) pass(scale float64) {
	ops := int(float64(w.ops) * scale)
	if ops < 1 {
		ops = 1
	}
	runtime.GOMAXPROCS(w.procs)
	runtime.GC() // of what others left
	for _, l := range w.run(load{ops, scale}) {
		fmt.Printf("%s %s%s %s\n", w.impl(), w.name, l.suffix, l.measured)
	}
}

func versions() {
	seen := map[string]bool{}
	for _, w := range all() {
		if seen[w.impl()] {
			continue
		}
		seen[w.impl()] = true
		fmt.Println(w.impl(), "Go", strings.TrimPrefix(runtime.Version(), "go"))
	}
}

func main() {
	list, scale := false, 1.0
	var filter *regexp.Regexp
	var err error

	next := func(i int) string {
		if i >= len(os.Args) {
			usage()
		}
		return os.Args[i]
	}
	for i := 1; i < len(os.Args); i++ {
		switch os.Args[i] {
		case "--list":
			list = true
		case "--version":
			versions()
			return
		case "--filter":
			i++
			if filter, err = regexp.CompilePOSIX(next(i)); err != nil {
				fmt.Fprintln(os.Stderr, "peer-go: bad pattern:", os.Args[i])
				os.Exit(2)
			}
		case "--scale":
			i++
			scale, err = strconv.ParseFloat(next(i), 64)
			if err != nil || !(scale > 0) {
				usage()
			}
		default:
			usage()
		}
	}
	for _, w := range all() {
		if filter != nil && !filter.MatchString(w.impl()+" "+w.name) {
			continue
		}
		if list {
			fmt.Println(w.impl(), w.name)
		} else {
			w.pass(scale)
		}
	}
}
