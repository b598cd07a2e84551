// Package sym holds what is known of a value before it exists: dimensions that are numbers or expressions over symbols, and types.
package sym

import (
	"math"
	"math/bits"
	"slices"
	"strconv"
	"strings"
)

// Dim is a dimension, or an element of a small integer tensor: a number, or an expression such as "2*seq+1" over symbols.
// The zero Dim is the number 0. Arithmetic on numbers allocates nothing. A result that int64 can't hold is an unknown that [Dim.TooLarge] knows.
type Dim struct {
	k int64 // the constant part
	e *expr // nil: a number
}

// expr is a sum of products of atoms, without the constant part. Atoms are symbols and opaque functions such as "floor(n/2)".
type expr struct {
	terms []term
	key   string // canonical text, what equality compares
}

type term struct {
	c     int64
	atoms []string // sorted
}

// Num returns the number n.
func Num[T ~int | ~int64](n T) Dim { return Dim{k: int64(n)} }

// Nums returns the numbers ns.
func Nums[T ~int | ~int64](ns []T) []Dim {
	out := make([]Dim, len(ns))
	for i, n := range ns {
		out[i] = Num(n)
	}
	return out
}

// Symbol returns the symbol with the given name. The same name is the same value.
func Symbol(name string) Dim { return fromTerms(0, []term{{1, []string{name}}}) }

// Unknown returns a symbol that equals no other.
func Unknown() Dim {
	return Symbol("?" + strconv.FormatUint(unknownCount.Add(1), 10))
}

// large marks the symbols that stand for numbers beyond int64.
const large = "?large"

func tooLarge() Dim { return Symbol(large + strconv.FormatUint(unknownCount.Add(1), 10)) }

// TooLarge reports whether d comes from numbers whose sum or product int64 can't hold. No tensor has such a dimension; an element of an
// integer tensor may well be computed so, and then wraps.
func (d Dim) TooLarge() bool { return d.e != nil && strings.Contains(d.e.key, large) }

func fromTerms(k int64, ts []term) Dim {
	for i := range ts { // terms are few: by insertion
		for j := i; j > 0 && slices.Compare(ts[j].atoms, ts[j-1].atoms) < 0; j-- {
			ts[j], ts[j-1] = ts[j-1], ts[j]
		}
	}
	out := ts[:0]
	for _, t := range ts {
		if n := len(out); n > 0 && slices.Equal(out[n-1].atoms, t.atoms) {
			c, ok := add64(out[n-1].c, t.c)
			if !ok {
				return Unknown()
			}
			out[n-1].c = c
			continue
		}
		out = append(out, t)
	}
	out = slices.DeleteFunc(out, func(t term) bool { return t.c == 0 })
	if len(out) == 0 {
		return Dim{k: k}
	}
	return Dim{k: k, e: &expr{terms: out, key: joinTerms(out)}}
}

func joinTerms(ts []term) string {
	var sb strings.Builder
	for i, t := range ts {
		switch {
		case t.c == -1:
			sb.WriteString("-")
		case t.c < 0:
			sb.WriteString(strconv.FormatInt(t.c, 10) + "*")
		default:
			if i > 0 {
				sb.WriteString("+")
			}
			if t.c != 1 {
				sb.WriteString(strconv.FormatInt(t.c, 10) + "*")
			}
		}
		sb.WriteString(strings.Join(t.atoms, "*"))
	}
	return sb.String()
}

// Known reports whether d is a number.
func (d Dim) Known() bool { return d.e == nil }

// Int returns the number, if d is one.
func (d Dim) Int() (int64, bool) { return d.k, d.e == nil }

// Is reports whether d is the number n.
func (d Dim) Is(n int64) bool { return d.e == nil && d.k == n }

// Equal reports whether both are the same number or the same expression. Different expressions may still have equal values.
func (d Dim) Equal(o Dim) bool {
	if d.k != o.k || (d.e == nil) != (o.e == nil) {
		return false
	}
	return d.e == nil || d.e == o.e || d.e.key == o.e.key
}

// String formats d as "3", "batch" or "2*seq+1"; an unknown is "?" and a number.
func (d Dim) String() string {
	if d.e == nil {
		return strconv.FormatInt(d.k, 10)
	}
	s := d.e.key
	switch {
	case d.k > 0:
		s += "+" + strconv.FormatInt(d.k, 10)
	case d.k < 0:
		s += strconv.FormatInt(d.k, 10)
	}
	return s
}

// IsSymbol reports whether d is one symbol alone, and its name.
func (d Dim) IsSymbol() (string, bool) {
	if d.e != nil && d.k == 0 && len(d.e.terms) == 1 && d.e.terms[0].c == 1 && len(d.e.terms[0].atoms) == 1 {
		name := d.e.terms[0].atoms[0]
		return name, !strings.ContainsAny(name, "(/")
	}
	return "", false
}

func (d Dim) terms() []term {
	if d.e == nil {
		return nil
	}
	return d.e.terms
}

// Add returns d+o.
func (d Dim) Add(o Dim) Dim {
	k, ok := add64(d.k, o.k)
	if !ok {
		return tooLarge()
	}
	if d.e == nil && o.e == nil {
		return Dim{k: k}
	}
	return fromTerms(k, slices.Concat(d.terms(), o.terms()))
}

// Sub returns d-o.
func (d Dim) Sub(o Dim) Dim { return d.Add(o.Mul(Num(-1))) }

// Mul returns d·o.
func (d Dim) Mul(o Dim) Dim {
	k, ok := mul64(d.k, o.k)
	if !ok {
		return tooLarge()
	}
	if d.e == nil && o.e == nil {
		return Dim{k: k}
	}
	var ts []term
	scale := func(in []term, c int64) {
		for _, t := range in {
			p, fits := mul64(t.c, c)
			ok = ok && fits
			ts = append(ts, term{p, t.atoms})
		}
	}
	scale(d.terms(), o.k)
	scale(o.terms(), d.k)
	for _, a := range d.terms() {
		for _, b := range o.terms() {
			p, fits := mul64(a.c, b.c)
			ok = ok && fits
			atoms := slices.Concat(a.atoms, b.atoms)
			slices.Sort(atoms)
			ts = append(ts, term{p, atoms})
		}
	}
	if !ok || len(ts) > 64 {
		return Unknown()
	}
	return fromTerms(k, ts)
}

// FloorDiv returns ⌊d/o⌋; division by the number 0 is an unknown.
func (d Dim) FloorDiv(o Dim) Dim {
	if o.e == nil {
		switch {
		case o.k == 0:
			return Unknown()
		case o.k == 1:
			return d
		case d.e == nil:
			return Dim{k: floorDiv(d.k, o.k)}
		}
		if o.k > 0 {
			// The terms that o divides leave the fraction: ⌊(4n+m+5)/4⌋ = n+1+⌊(m+1)/4⌋.
			var whole, rest []term
			for _, t := range d.e.terms {
				if t.c%o.k == 0 {
					whole = append(whole, term{t.c / o.k, t.atoms})
				} else {
					rest = append(rest, t)
				}
			}
			q := floorDiv(d.k, o.k)
			w := fromTerms(q, whole)
			if len(rest) == 0 {
				return w
			}
			if len(whole) > 0 || q != 0 {
				return w.Add(atom("floor", fromTerms(d.k-q*o.k, rest), o))
			}
		}
	}
	if d.Equal(o) {
		return Num(1)
	}
	if q, ok := d.divideMonomial(o); ok {
		return q
	}
	return atom("floor", d, o)
}

// divideMonomial divides exactly by a single product of atoms, as in (2*a*b)/(2*b) = a: what -1 in a Reshape asks for.
func (d Dim) divideMonomial(o Dim) (Dim, bool) {
	if o.k != 0 || o.e == nil || len(o.e.terms) != 1 || d.k != 0 || d.e == nil {
		return Dim{}, false
	}
	by := o.e.terms[0]
	var ts []term
	for _, t := range d.e.terms {
		if by.c == 0 || t.c%by.c != 0 {
			return Dim{}, false
		}
		left := slices.Clone(t.atoms)
		for _, a := range by.atoms {
			i := slices.Index(left, a)
			if i < 0 {
				return Dim{}, false
			}
			left = slices.Delete(left, i, i+1)
		}
		ts = append(ts, term{t.c / by.c, left})
	}
	k := int64(0)
	ts = slices.DeleteFunc(ts, func(t term) bool {
		if len(t.atoms) == 0 {
			k += t.c
			return true
		}
		return false
	})
	return fromTerms(k, ts), true
}

// CeilDiv returns ⌈d/o⌉.
func (d Dim) CeilDiv(o Dim) Dim {
	return d.Mul(Num(-1)).FloorDiv(o).Mul(Num(-1))
}

// Min returns the lesser of both.
func (d Dim) Min(o Dim) Dim {
	if diff := d.Sub(o); diff.e == nil {
		if diff.k <= 0 {
			return d
		}
		return o
	}
	return atom("min", d, o)
}

// Max returns the greater of both.
func (d Dim) Max(o Dim) Dim {
	if diff := d.Sub(o); diff.e == nil {
		if diff.k >= 0 {
			return d
		}
		return o
	}
	return atom("max", d, o)
}

func atom(fn string, a, b Dim) Dim {
	as, bs := a.String(), b.String()
	if fn == "floor" {
		if strings.ContainsAny(as[1:], "+-") || a.e != nil && a.k != 0 {
			as = "(" + as + ")"
		}
		if b.e != nil {
			bs = "(" + bs + ")"
		}
		return Symbol("(" + as + "/" + bs + ")")
	}
	if as > bs {
		as, bs = bs, as
	}
	return Symbol(fn + "(" + as + "," + bs + ")")
}

// Prod returns the product of the dimensions; 1 for none.
func Prod(ds []Dim) Dim {
	p := Num(1)
	for _, d := range ds {
		p = p.Mul(d)
	}
	return p
}

// Ints returns the numbers, if all of ds are numbers.
func Ints(ds []Dim) ([]int64, bool) {
	out := make([]int64, len(ds))
	for i, d := range ds {
		if d.e != nil {
			return nil, false
		}
		out[i] = d.k
	}
	return out, true
}

// EqualShapes reports whether both shapes have equal dimensions.
func EqualShapes(a, b []Dim) bool { return slices.EqualFunc(a, b, Dim.Equal) }

// ShapeString formats a shape as "[batch,3,224,224]".
func ShapeString(ds []Dim) string {
	var sb strings.Builder
	sb.WriteByte('[')
	for i, d := range ds {
		if i > 0 {
			sb.WriteByte(',')
		}
		sb.WriteString(d.String())
	}
	sb.WriteByte(']')
	return sb.String()
}

func add64(a, b int64) (int64, bool) {
	s := a + b
	return s, (s > a) == (b > 0)
}

func mul64(a, b int64) (int64, bool) {
	if a == 0 || b == 0 {
		return 0, true
	}
	if a == math.MinInt64 || b == math.MinInt64 {
		return 0, false
	}
	hi, lo := bits.Mul64(uint64(max(a, -a)), uint64(max(b, -b)))
	return a * b, hi == 0 && lo <= math.MaxInt64
}

func floorDiv(a, b int64) int64 {
	if b == -1 {
		return -a // the standard's dimensions never reach MinInt64, and Go wraps
	}
	q := a / b
	if a%b != 0 && (a < 0) != (b < 0) {
		q--
	}
	return q
}
