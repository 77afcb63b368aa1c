module peer-go

go 1.19

// From Debian's golang-golang-x-sync-dev; nothing is fetched.
require golang.org/x/sync v0.0.0

replace golang.org/x/sync => /usr/share/gocode/src/golang.org/x/sync
