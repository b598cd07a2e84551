package vec

import "math"

var inf = float32(math.Inf(1))

// Softmax is
//
//	for i, x := range src { dst[i] = exp(x - max(src)) / sum(exp(src - max(src))) }
//
// within 4 ulp, counted with x - max(src) rounded, plus the error of the sum. A NaN or +Inf anywhere, or -Inf everywhere, gives NaN everywhere.
func Softmax(dst, src []float32) {
	dst = dst[:len(src)]
	sum := ExpSum(dst, src, topOf(src)) // a NaN shows in the sum
	MulS(dst, dst, 1/sum)
}

// LogSoftmax is
//
//	for i, x := range src { dst[i] = x - max(src) - log(sum(exp(src - max(src)))) }
//
// with NaN where Softmax has it.
func LogSoftmax(dst, src []float32) {
	dst = dst[:len(src)]
	top := topOf(src)
	sum := float32(math.Log(float64(SumExp(src, top))))
	if subSubAsm(dst, src, top, sum) {
		return
	}
	for i, x := range src {
		dst[i] = x - top - sum
	}
}

// LayerNorm is
//
//	for i, x := range src { dst[i] = (x-mean)*inv*gamma[i] + beta[i] }
//
// with the mean of src and inv = 1/√(variance+eps), the variance taken about the mean in a second pass. gamma and beta may be nil, beta
// alone too: ones and zeros. It returns mean and inv.
//
// Where the deviations are small beside the mean, its rounding would show in them: it is corrected by their mean then. So a row of equal
// elements gives beta, exactly.
func LayerNorm(dst, src, gamma, beta []float32, eps float32) (mean, inv float32) {
	n := float32(len(src))
	mean = Sum(src) / n
	variance := SumSqDev(src, mean) / n
	if variance < mean*mean*SmallVariance {
		mean += SumDev(src, mean) / n
		variance = SumSqDev(src, mean) / n
	}
	inv = invStd(variance, eps)
	Normalize(dst, src, gamma, beta, mean, inv)
	return mean, inv
}

// RMSNorm is
//
//	for i, x := range src { dst[i] = x * inv * gamma[i] }
//
// with inv = 1/√(mean of squares + eps), which it returns. gamma may be nil: ones.
func RMSNorm(dst, src, gamma []float32, eps float32) (inv float32) {
	inv = invStd(SumSq(src)/float32(len(src)), eps)
	Normalize(dst, src, gamma, nil, 0, inv)
	return inv
}

func invStd(variance, eps float32) float32 { return float32(1 / math.Sqrt(float64(variance+eps))) }

// Normalize is
//
//	for i, x := range src { dst[i] = (x-mean)*inv*gamma[i] + beta[i] }
//
// where gamma and beta may be nil: ones and zeros. The last product may be fused with the sum.
func Normalize(dst, src, gamma, beta []float32, mean, inv float32) {
	dst = dst[:len(src)]
	switch {
	case gamma == nil && beta == nil:
		if normAsm(dst, src, mean, inv) {
			return
		}
		for i, x := range src {
			dst[i] = (x - mean) * inv
		}
	case beta == nil:
		gamma = gamma[:len(src)]
		if normScaleAsm(dst, src, gamma, mean, inv) {
			return
		}
		for i, x := range src {
			dst[i] = (x - mean) * inv * gamma[i]
		}
	case gamma == nil:
		Normalize(dst, src, nil, nil, mean, inv)
		Add(dst, dst, beta[:len(src)])
	default:
		gamma, beta = gamma[:len(src)], beta[:len(src)]
		if normAffineAsm(dst, src, gamma, beta, mean, inv) {
			return
		}
		for i, x := range src {
			dst[i] = mad((x-mean)*inv, gamma[i], beta[i])
		}
	}
}

// Rows of channels (NHWC): x holds rows of len(scale) or len(bias) elements. A length that is no multiple leaves a last, shorter row.

// repeated is room for the operand of several narrow rows, which are worked on together.
type repeated [256]float32

// narrow says whether to work on several rows of width n at once; repeating the operand costs as much as a few rows.
func narrow(n, total int) bool { return 0 < n && n <= len(repeated{})/4 && total >= 4*n }

// fill repeats row a power of two times, as often as it fits.
func (r *repeated) fill(row []float32) []float32 {
	n := copy(r[:], row)
	for 2*n <= len(r) {
		n += copy(r[n:2*n], r[:n])
	}
	return r[:n]
}

// AddRows adds bias to each row:
//
//	for i, v := range x { dst[i] = v + bias[i%len(bias)] }
func AddRows(dst, x, bias []float32) {
	if narrow(len(bias), len(x)) {
		var room repeated
		addEachRow(dst, x, room.fill(bias))
		return
	}
	addEachRow(dst, x, bias)
}

func addEachRow(dst, x, bias []float32) {
	for len(x) > 0 && len(bias) > 0 {
		n := min(len(x), len(bias))
		Add(dst[:n], x[:n], bias[:n])
		dst, x = dst[n:], x[n:]
	}
}

// MulRows multiplies each row by scale:
//
//	for i, v := range x { dst[i] = v * scale[i%len(scale)] }
func MulRows(dst, x, scale []float32) {
	if narrow(len(scale), len(x)) {
		var room repeated
		mulEachRow(dst, x, room.fill(scale))
		return
	}
	mulEachRow(dst, x, scale)
}

func mulEachRow(dst, x, scale []float32) {
	for len(x) > 0 && len(scale) > 0 {
		n := min(len(x), len(scale))
		Mul(dst[:n], x[:n], scale[:n])
		dst, x = dst[n:], x[n:]
	}
}

// PReluRows multiplies the negative elements of each row by slope:
//
//	for i, v := range x { dst[i] = v < 0 ? v*slope[i%len(slope)] : v }
func PReluRows(dst, x, slope []float32) {
	if narrow(len(slope), len(x)) {
		var room repeated
		pReluEachRow(dst, x, room.fill(slope))
		return
	}
	pReluEachRow(dst, x, slope)
}

func pReluEachRow(dst, x, slope []float32) {
	for len(x) > 0 && len(slope) > 0 {
		n := min(len(x), len(slope))
		PRelu(dst[:n], x[:n], slope[:n])
		dst, x = dst[n:], x[n:]
	}
}

// MulAddRows scales and shifts each row, as a batch normalisation does:
//
//	for i, v := range x { dst[i] = v*scale[i%len(scale)] + bias[i%len(bias)] }
//
// with scale and bias of one length. The product may be fused with the sum.
func MulAddRows(dst, x, scale, bias []float32) {
	bias = bias[:len(scale)]
	if narrow(len(scale), len(x)) {
		var room, room2 repeated
		mulAddEachRow(dst, x, room.fill(scale), room2.fill(bias))
		return
	}
	mulAddEachRow(dst, x, scale, bias)
}

func mulAddEachRow(dst, x, scale, bias []float32) {
	for len(x) > 0 && len(scale) > 0 {
		n := min(len(x), len(scale))
		MulAdd(dst[:n], x[:n], scale[:n], bias[:n])
		dst, x = dst[n:], x[n:]
	}
}
