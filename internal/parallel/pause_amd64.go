package parallel

// pollsPerTick pauses and the loads between them take about a microsecond: a PAUSE is 20 to 45 ns.
const pollsPerTick = 32

// pause tells the processor that this is a spinning loop: it saves power and leaves the core to the other hyperthread.
//
//go:noescape
func pause()
