package gemm

// transposeGo writes the rows × cols elements of src, whose rows lie lds apart, to dst as columns: dst[c·ldd+r] = src[r·lds+c].
func transposeGo[T Number](dst []T, ldd int, src []T, lds, rows, cols int) {
	r := 0
	for ; r+4 <= rows; r += 4 {
		s0, s1 := src[r*lds:][:cols], src[(r+1)*lds:][:cols]
		s2, s3 := src[(r+2)*lds:][:cols], src[(r+3)*lds:][:cols]
		for c, v := range s0 {
			d := dst[c*ldd+r:][:4]
			d[0], d[1], d[2], d[3] = v, s1[c], s2[c], s3[c]
		}
	}
	for ; r < rows; r++ {
		for c, v := range src[r*lds:][:cols] {
			dst[c*ldd+r] = v
		}
	}
}
