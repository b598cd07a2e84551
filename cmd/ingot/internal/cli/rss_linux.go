package cli

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
)

// resident returns the bytes of memory that a process holds now, and the most that it held since [resetPeak]; zeros when that isn't known.
func resident(pid int) (now, peak int64) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, 0
	}
	field := func(name string) int64 {
		_, rest, ok := bytes.Cut(b, []byte("\n"+name+":"))
		if !ok {
			return 0
		}
		words := bytes.Fields(rest)
		if len(words) == 0 {
			return 0
		}
		n, _ := strconv.ParseInt(string(words[0]), 10, 64)
		return n * 1024
	}
	return field("VmRSS"), field("VmHWM")
}

// resetPeak makes the peak start anew. Where the system refuses, it stays that of the process's whole life.
func resetPeak() { _ = os.WriteFile("/proc/self/clear_refs", []byte("5"), 0) }
