package elem

// And is
//
//	for i := range d { d[i] = a[i] & b[i] }
//
// It serves bools too, which are bytes 0 and 1.
func And[T Unsigned](d, a, b []T) {
	a, b = a[:len(d)], b[:len(d)]
	for i := range d {
		d[i] = a[i] & b[i]
	}
}

// Or is
//
//	for i := range d { d[i] = a[i] | b[i] }
func Or[T Unsigned](d, a, b []T) {
	a, b = a[:len(d)], b[:len(d)]
	for i := range d {
		d[i] = a[i] | b[i]
	}
}

// Xor is
//
//	for i := range d { d[i] = a[i] ^ b[i] }
func Xor[T Unsigned](d, a, b []T) {
	a, b = a[:len(d)], b[:len(d)]
	for i := range d {
		d[i] = a[i] ^ b[i]
	}
}

// Shl shifts left. A count that is negative or not below the width gives 0.
func Shl[T Integer](d, a, b []T) {
	a, b = a[:len(d)], b[:len(d)]
	for i := range d {
		d[i] = a[i] << uint64(b[i])
	}
}

// Shr shifts right, arithmetically where T is signed. A count that is negative or not below the width leaves sign bits only.
func Shr[T Integer](d, a, b []T) {
	a, b = a[:len(d)], b[:len(d)]
	for i := range d {
		d[i] = a[i] >> uint64(b[i])
	}
}

// Equal sets bytes to 1 where a equals b, else to 0.
func Equal[T Number | string](d []uint8, a, b []T) {
	a, b = a[:len(d)], b[:len(d)]
	for i := range d {
		var v uint8
		if a[i] == b[i] {
			v = 1
		}
		d[i] = v
	}
}

// Less sets bytes to 1 where a < b, else to 0.
func Less[T Number](d []uint8, a, b []T) {
	a, b = a[:len(d)], b[:len(d)]
	for i := range d {
		var v uint8
		if a[i] < b[i] {
			v = 1
		}
		d[i] = v
	}
}

// LessEqual sets bytes to 1 where a ≤ b, else to 0.
func LessEqual[T Number](d []uint8, a, b []T) {
	a, b = a[:len(d)], b[:len(d)]
	for i := range d {
		var v uint8
		if a[i] <= b[i] {
			v = 1
		}
		d[i] = v
	}
}
