//go:build !linux

package cli

import (
	"os"
	"runtime"
)

// resident returns the bytes of memory that this process got from the system, as far as Go knows; of other processes nothing is known.
func resident(pid int) (now, peak int64) {
	if pid != os.Getpid() {
		return 0, 0
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.Sys - m.HeapReleased), int64(m.Sys)
}

// resetPeak does nothing here.
func resetPeak() {}
