package picture

// mqState is a state of the probability estimation: how likely the other symbol is, and the states that follow.
type mqState struct {
	qe         uint32
	same, less uint8 // after the likely symbol, after the other one
	swap       uint8 // 1: after the other one, that is the likely one
}

var mqStates = [47]mqState{
	{0x5601, 1, 1, 1}, {0x3401, 2, 6, 0}, {0x1801, 3, 9, 0}, {0x0ac1, 4, 12, 0}, {0x0521, 5, 29, 0}, {0x0221, 38, 33, 0},
	{0x5601, 7, 6, 1}, {0x5401, 8, 14, 0}, {0x4801, 9, 14, 0}, {0x3801, 10, 14, 0}, {0x3001, 11, 17, 0}, {0x2401, 12, 18, 0}, {0x1c01, 13, 20, 0}, {0x1601, 29, 21, 0},
	{0x5601, 15, 14, 1}, {0x5401, 16, 14, 0}, {0x5101, 17, 15, 0}, {0x4801, 18, 16, 0}, {0x3801, 19, 17, 0}, {0x3401, 20, 18, 0}, {0x3001, 21, 19, 0},
	{0x2801, 22, 19, 0}, {0x2401, 23, 20, 0}, {0x2201, 24, 21, 0}, {0x1c01, 25, 22, 0}, {0x1801, 26, 23, 0}, {0x1601, 27, 24, 0}, {0x1401, 28, 25, 0},
	{0x1201, 29, 26, 0}, {0x1101, 30, 27, 0}, {0x0ac1, 31, 28, 0}, {0x09c1, 32, 29, 0}, {0x08a1, 33, 30, 0}, {0x0521, 34, 31, 0}, {0x0441, 35, 32, 0},
	{0x02a1, 36, 33, 0}, {0x0221, 37, 34, 0}, {0x0141, 38, 35, 0}, {0x0111, 39, 36, 0}, {0x0085, 40, 37, 0}, {0x0049, 41, 38, 0}, {0x0025, 42, 39, 0},
	{0x0015, 43, 40, 0}, {0x0009, 44, 41, 0}, {0x0005, 45, 42, 0}, {0x0001, 45, 43, 0}, {0x5601, 46, 46, 0},
}

// The contexts: nine for significance, five for signs, three for lower bits, one for runs of zeros and one for even odds.
const (
	ctxSign    = 9
	ctxRefine  = 14
	ctxRun     = 17
	ctxUniform = 18
	contexts   = 19
)

// mqDecoder decodes binary symbols (annex C). Behind the end of its data come ones.
type mqDecoder struct {
	data    []byte
	pos     int
	a, c    uint32
	left    int
	state   [contexts]uint8
	symbols [contexts]uint8 // the likely ones
}

// resetContexts sets the contexts to where they begin.
func (m *mqDecoder) resetContexts() {
	m.state, m.symbols = [contexts]uint8{0: 4, ctxRun: 3, ctxUniform: 46}, [contexts]uint8{}
}

// begin starts a codeword.
func (m *mqDecoder) begin(data []byte) {
	m.data, m.pos, m.a = data, 0, 0x8000
	m.c = uint32(m.at(0)) << 16
	m.next()
	m.c <<= 7
	m.left -= 7
}

func (m *mqDecoder) at(i int) byte {
	if i < len(m.data) {
		return m.data[i]
	}
	return 0xff
}

// next adds a byte.
func (m *mqDecoder) next() {
	if m.at(m.pos) != 0xff {
		m.pos++
		m.c += uint32(m.at(m.pos)) << 8
		m.left = 8
		return
	}
	if b := m.at(m.pos + 1); b > 0x8f { // a marker, or the end
		m.c += 0xff00
		m.left = 8
	} else {
		m.pos++
		m.c += uint32(b) << 9
		m.left = 7
	}
}

// decode returns the next symbol.
func (m *mqDecoder) decode(ctx int) int {
	s := &mqStates[m.state[ctx]]
	symbol := m.symbols[ctx]
	m.a -= s.qe
	if m.c>>16 >= s.qe {
		m.c -= s.qe << 16
		if m.a&0x8000 != 0 {
			return int(symbol)
		}
		if m.a < s.qe {
			symbol ^= 1
			m.symbols[ctx] ^= s.swap
			m.state[ctx] = s.less
		} else {
			m.state[ctx] = s.same
		}
	} else {
		if m.a < s.qe {
			m.state[ctx] = s.same
		} else {
			symbol ^= 1
			m.symbols[ctx] ^= s.swap
			m.state[ctx] = s.less
		}
		m.a = s.qe
	}
	for {
		if m.left == 0 {
			m.next()
		}
		m.a <<= 1
		m.c <<= 1
		m.left--
		if m.a&0x8000 != 0 {
			return int(symbol)
		}
	}
}
