//go:build !amd64 && !arm64

package parallel

// pollsPerTick polls take about a microsecond.
const pollsPerTick = 256

// pause does nothing where there is no instruction for it.
func pause() {}
