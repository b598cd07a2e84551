package parallel

// pollsPerTick pauses and the loads between them take about a microsecond.
const pollsPerTick = 32

// pause tells the processor, some thirty times, that this is a spinning loop. On most cores that is no more than a
// short delay, which keeps the loop off the cache line that it watches.
//
//go:noescape
func pause()
