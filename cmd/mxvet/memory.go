package main

import "runtime/debug"

// softMemory is how much memory the collector lets grow before it works harder. What
// one domain can make mxvet keep is bounded far below; this holds the garbage beside
// it down, so that all stays under 100 MB.
const softMemory = 64 << 20 // bytes

// limitMemory sets that bound, unless the user has set GOMEMLIMIT.
func limitMemory(getenv func(string) string) {
	if getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(softMemory)
	}
}
