package ml

import (
	"fmt"
	"math"
)

// post is a transform of scores.
type post uint8

// The transforms, numbered as TreeEnsemble does.
const (
	postNone post = iota
	postSoftmax
	postLogistic
	postSoftmaxZero
	postProbit
)

func parsePost(name string) (post, error) {
	switch name {
	case "NONE":
		return postNone, nil
	case "SOFTMAX":
		return postSoftmax, nil
	case "LOGISTIC":
		return postLogistic, nil
	case "SOFTMAX_ZERO":
		return postSoftmaxZero, nil
	case "PROBIT":
		return postProbit, nil
	}
	return 0, fmt.Errorf("attribute post_transform: %q, must be one of NONE, SOFTMAX, LOGISTIC, SOFTMAX_ZERO and PROBIT", name)
}

// apply transforms the scores of one row in place.
func (p post) apply(s []float64) {
	switch p {
	case postSoftmax:
		softmax(s)
	case postLogistic:
		for i, v := range s {
			s[i] = logistic(v)
		}
	case postSoftmaxZero:
		softmaxZero(s)
	case postProbit:
		for i, v := range s {
			s[i] = probit(v)
		}
	}
}

// pair makes the scores of two classes of one score for the second, and transforms them. The first class gets the opposite: 1-s where s is a
// probability, -s where it is a margin. Probit takes probabilities, the others that do something take margins.
func (p post) pair(dst []float64, s float64, probability bool) {
	dst[0], dst[1] = -s, s
	if p == postProbit || p == postNone && probability {
		dst[0] = 1 - s
	}
	p.apply(dst[:2])
}

func logistic(v float64) float64 {
	if v < 0 { // exp of a large number would overflow
		e := math.Exp(v)
		return e / (1 + e)
	}
	return 1 / (1 + math.Exp(-v))
}

func softmax(s []float64) {
	m := math.Inf(-1)
	for _, v := range s {
		m = max(m, v)
	}
	sum := 0.0
	for i, v := range s {
		s[i] = math.Exp(v - m)
		sum += s[i]
	}
	for i := range s {
		s[i] /= sum
	}
}

// softmaxZero is softmax that leaves zeros alone: a class without a vote has no probability. When all are zero, each gets a half.
func softmaxZero(s []float64) {
	m := math.Inf(-1)
	for _, v := range s {
		m = max(m, v)
	}
	sum := 0.0
	for i, v := range s {
		if math.Abs(v) > 1e-7 {
			s[i] = math.Exp(v - m)
		} else {
			s[i] *= math.Exp(-m)
		}
		sum += s[i]
	}
	for i := range s {
		if sum == 0 {
			s[i] = 0.5
		} else {
			s[i] /= sum
		}
	}
}

// probit is the quantile function of the normal distribution, by Winitzki's approximation of the inverse error function with a = 0.147: it is up
// to 2 parts in 1000 off, and what other runtimes compute.
func probit(p float64) float64 {
	const a = 0.147
	x := 2*p - 1
	l := math.Log((1 - x) * (1 + x))
	v := 2/(math.Pi*a) + 0.5*l
	return math.Copysign(math.Sqrt2*math.Sqrt(math.Sqrt(v*v-l/a)-v), x)
}
