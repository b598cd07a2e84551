package random

const (
	mtLen  = 624
	mtNear = 397
)

// Twister is the generator MT19937 of Matsumoto and Nishimura (1998), seeded as NumPy's RandomState is. Its numbers come one after the other:
// Fill ignores where it is told to begin.
type Twister struct {
	state [mtLen]uint32
	next  int
}

// NewTwister returns a generator with a seed.
func NewTwister(seed uint32) *Twister {
	t := &Twister{next: mtLen}
	for i := range t.state {
		t.state[i] = seed
		seed = 1812433253*(seed^seed>>30) + uint32(i) + 1
	}
	return t
}

func (t *Twister) word() uint32 {
	if t.next == mtLen {
		for i := range t.state {
			y := t.state[i]&0x80000000 | t.state[(i+1)%mtLen]&0x7fffffff
			t.state[i] = t.state[(i+mtNear)%mtLen] ^ y>>1 ^ (y&1)*0x9908b0df
		}
		t.next = 0
	}
	y := t.state[t.next]
	t.next++
	y ^= y >> 11
	y ^= y << 7 & 0x9d2c5680
	y ^= y << 15 & 0xefc60000
	return y ^ y>>18
}

// Fill sets dst to the next numbers of the stream.
func (t *Twister) Fill(dst []float64, _ int) {
	for i := range dst {
		a := t.word()
		dst[i] = double(a, t.word())
	}
}
