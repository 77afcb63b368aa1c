package main

import (
	"bytes"
	"encoding/binary"
	"io"
	"net"
	"sync"
)

// echo.*: connections over loopback, client and server in the process.

const echoBytes = 64

func serve(s net.Conn) {
	b := make([]byte, echoBytes)
	for {
		if _, err := io.ReadFull(s, b); err != nil {
			s.Close()
			return
		}
		_, err := s.Write(b)
		check(err == nil, "echo: write")
	}
}

func ask(s net.Conn, g *gate, each int) {
	request := bytes.Repeat([]byte{7}, echoBytes)
	reply := make([]byte, echoBytes)

	g.pass()
	for i := 0; i < each; i++ {
		binary.LittleEndian.PutUint64(request, uint64(i))
		_, err := s.Write(request)
		check(err == nil, "echo: write")
		_, err = io.ReadFull(s, reply)
		check(err == nil && bytes.Equal(request, reply), "echo")
	}
	s.Close()
}

func echo(connections, ops int) measured {
	each := ops / connections
	if each < 1 {
		each = 1
	}
	var done sync.WaitGroup
	g := newGate(connections)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check(err == nil, "echo: listen")

	done.Add(connections)
	for c := 0; c < connections; c++ {
		client, err := net.Dial("tcp", listener.Addr().String())
		check(err == nil, "echo: dial")
		server, err := listener.Accept()
		check(err == nil, "echo: accept")
		go serve(server)
		go func() {
			ask(client, g, each)
			done.Done()
		}()
	}
	t := g.start()
	done.Wait()
	m := t.stop(each * connections)
	listener.Close()
	return m
}

func echo64(ops int) measured {
	return echo(64, ops)
}

func echo1000(ops int) measured {
	return echo(1000, ops)
}

var network = []workload{
	{"", "echo.64.mt", 2, 256000, counted(echo64)},
	{"", "echo.64.ct", 1, 256000, counted(echo64)},
	{"", "echo.1000.mt", 2, 256000, counted(echo1000)},
	{"", "echo.1000.ct", 1, 256000, counted(echo1000)},
}
