package picture

// The constants of the transform: cosines and their sums, in 13-bit fixed point.
const (
	k0298 = 2446
	k0390 = 3196
	k0541 = 4433
	k0765 = 6270
	k0899 = 7373
	k1175 = 9633
	k1501 = 12299
	k1847 = 15137
	k1961 = 16069
	k2053 = 16819
	k2562 = 20995
	k3072 = 25172

	idctBits = 13 // of the constants
	idctMore = 2  // bits that are kept between the passes
)

// idct writes the 8×8 samples of a block of coefficients, in natural order and dequantised, to dst. It is the algorithm of Loeffler, Ligtenberg and
// Moschytz (Practical fast 1-D DCT algorithms with 11 multiplications, 1989) in the fixed point of libjpeg, whose roundings it shares. b is
// overwritten.
func idct(dst []uint8, stride int, b *[64]int32) {
	for c := range 8 {
		v := [8]int32{b[c], b[8+c], b[16+c], b[24+c], b[32+c], b[40+c], b[48+c], b[56+c]}
		if v[1]|v[2]|v[3]|v[4]|v[5]|v[6]|v[7] == 0 {
			dc := v[0] << idctMore
			b[c], b[8+c], b[16+c], b[24+c], b[32+c], b[40+c], b[48+c], b[56+c] = dc, dc, dc, dc, dc, dc, dc, dc
			continue
		}
		const shift = idctBits - idctMore
		idct8(&v, 1<<(shift-1))
		b[c], b[8+c], b[16+c], b[24+c] = v[0]>>shift, v[1]>>shift, v[2]>>shift, v[3]>>shift
		b[32+c], b[40+c], b[48+c], b[56+c] = v[4]>>shift, v[5]>>shift, v[6]>>shift, v[7]>>shift
	}
	for r := range 8 {
		v := (*[8]int32)(b[8*r:])
		out := (*[8]uint8)(dst[r*stride:])
		const shift = idctBits + idctMore + 3
		idct8(v, 128<<shift+1<<(shift-1))
		for i, x := range v {
			out[i] = clip8(x >> shift)
		}
	}
}

// idct8 transforms eight numbers and adds bias to each.
func idct8(v *[8]int32, bias int32) {
	// The even half.
	z := (v[2] + v[6]) * k0541
	t2, t3 := z-v[6]*k1847, z+v[2]*k0765
	t0, t1 := (v[0]+v[4])<<idctBits+bias, (v[0]-v[4])<<idctBits+bias
	e0, e3, e1, e2 := t0+t3, t0-t3, t1+t2, t1-t2
	// The odd half.
	z1, z2, z3, z4 := v[7]+v[1], v[5]+v[3], v[7]+v[3], v[5]+v[1]
	z5 := (z3 + z4) * k1175
	z1, z2, z3, z4 = -z1*k0899, -z2*k2562, z5-z3*k1961, z5-z4*k0390
	o0, o1, o2, o3 := v[7]*k0298+z1+z3, v[5]*k2053+z2+z4, v[3]*k3072+z2+z3, v[1]*k1501+z1+z4
	v[0], v[7], v[1], v[6] = e0+o3, e0-o3, e1+o2, e1-o2
	v[2], v[5], v[3], v[4] = e2+o1, e2-o1, e3+o0, e3-o0
}

// idctFlat is idct for a block of which only the first coefficient isn't zero.
func idctFlat(dst []uint8, stride int, dc int32) {
	v := clip8((dc+4)>>3 + 128)
	for r := range 8 {
		row := (*[8]uint8)(dst[r*stride:])
		for i := range row {
			row[i] = v
		}
	}
}
