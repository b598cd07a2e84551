package text

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"

	"ingot/internal/kernel/elem"
	"ingot/ops"
	"ingot/tensor"
)

type noAttrs struct{}

// StringConcat joins the strings of two tensors, broadcast to each other.
var StringConcat = Ops.Add(ops.Def(ops.Spec[noAttrs]{
	Name: "StringConcat", In: "X:T, Y:T", Out: "Z:T", Types: "T=string", Vers: []ops.Ver{{Since: 20}},
	Infer: func(c *ops.Infer, _ *noAttrs) error { return c.OutBroadcast(0, tensor.String, 0, 1) },
	Bind: func(b *ops.Bind, _ *noAttrs) (ops.Kernel, error) {
		k := &concat{}
		out := b.OutDims(0)
		var okX, okY bool
		k.mx, okX = elem.NewMap(out, b.Dims(0))
		k.my, okY = elem.NewMap(out, b.Dims(1))
		if !okX || !okY {
			return nil, fmt.Errorf("shapes %s and %s don't broadcast to %s",
				tensor.ShapeString(b.Dims(0)), tensor.ShapeString(b.Dims(1)), tensor.ShapeString(out))
		}
		return k, nil
	},
}))

type concat struct {
	mx, my elem.Map
	x, y   []string
	z      []string
}

func (k *concat) Run(c *ops.Call) error {
	k.x, k.y, k.z = tensor.View[string](c.In(0)), tensor.View[string](c.In(1)), tensor.View[string](c.Out(0))
	return c.Parallel((len(k.z)+perTile-1)/perTile, k)
}

func (k *concat) Tile(_ ops.Worker, i int) {
	for pos, hi := i*perTile, min(len(k.z), (i+1)*perTile); pos < hi; {
		x, stepX, n := k.mx.At(pos)
		y, stepY, m := k.my.At(pos)
		for range min(n, m, hi-pos) {
			k.z[pos] = k.x[x] + k.y[y]
			pos, x, y = pos+1, x+stepX, y+stepY
		}
	}
}

type splitAttrs struct {
	Delimiter string
	Maxsplit  *int
}

// StringSplit splits strings at a delimiter, or at runs of white space. What a string lacks of the longest list is filled with empty strings;
// the second output tells how many it has. After maxsplit splits, the rest stays whole.
var StringSplit = Ops.Add(ops.Def(ops.Spec[splitAttrs]{
	Name: "StringSplit", In: "X:T1", Out: "Y:T2, Z:T3", Types: "T1=string; T2=string; T3=int64", Vers: []ops.Ver{{Since: 20}},
	Infer: func(c *ops.Infer, _ *splitAttrs) error {
		x := c.In(0)
		_ = c.OutType(1, ops.Type{DT: tensor.Int64, Shape: x.Shape, Ranked: x.Ranked})
		if !x.Ranked {
			return c.OutUnranked(0, tensor.String)
		}
		return c.Out(0, tensor.String, append(append([]ops.Dim{}, x.Shape...), c.Fresh())...)
	},
	Eval: func(c *ops.Call, a *splitAttrs) error {
		limit := -1
		if a.Maxsplit != nil && *a.Maxsplit >= 0 {
			limit = *a.Maxsplit
		}
		x := tensor.View[string](c.In(0))
		lists := make([][]string, len(x))
		if err := c.For(len(x), perTile, func(lo, hi int) {
			for i, s := range x[lo:hi] {
				lists[lo+i] = split(s, a.Delimiter, limit)
			}
		}); err != nil {
			return err
		}
		longest := 0
		for _, l := range lists {
			longest = max(longest, len(l))
		}
		dims := c.In(0).Dims()
		if c.Wants(0) {
			y, err := c.OutOrAlloc(0, tensor.String, append(append([]int{}, dims...), longest)...)
			if err != nil {
				return err
			}
			out := tensor.View[string](y)
			clear(out)
			for i, l := range lists {
				copy(out[i*longest:], l)
			}
		}
		if !c.Wants(1) {
			return nil
		}
		z, err := c.OutOrAlloc(1, tensor.Int64, dims...)
		if err != nil {
			return err
		}
		for i, l := range lists {
			tensor.View[int64](z)[i] = int64(len(l))
		}
		return nil
	},
}))

// split makes at most limit splits, any number if that is negative.
func split(s, delimiter string, limit int) []string {
	if delimiter != "" {
		n := -1
		if limit >= 0 && limit <= len(s) { // there aren't more
			n = limit + 1
		}
		return strings.SplitN(s, delimiter, n)
	}
	var out []string
	for s = strings.TrimLeftFunc(s, unicode.IsSpace); s != "" && len(out) != limit; s = strings.TrimLeftFunc(s, unicode.IsSpace) {
		end := strings.IndexFunc(s, unicode.IsSpace)
		if end < 0 {
			end = len(s)
		}
		out, s = append(out, s[:end]), s[end:]
	}
	if s != "" {
		out = append(out, s)
	}
	return out
}

type regexAttrs struct {
	Pattern string
}

// RegexFullMatch tells which strings match a pattern from end to end. The syntax is RE2's, which is Go's.
var RegexFullMatch = Ops.Add(ops.Def(ops.Spec[regexAttrs]{
	Name: "RegexFullMatch", In: "X:T1", Out: "Y:T2", Types: "T1=string; T2=bool", Vers: []ops.Ver{{Since: 20}},
	Infer: func(c *ops.Infer, a *regexAttrs) error {
		if _, err := compile(a.Pattern); err != nil {
			return err
		}
		x := c.In(0)
		return c.OutType(0, ops.Type{DT: tensor.Bool, Shape: x.Shape, Ranked: x.Ranked})
	},
	Bind: func(_ *ops.Bind, a *regexAttrs) (ops.Kernel, error) {
		re, err := compile(a.Pattern)
		return &fullMatch{re: re}, err
	},
}))

// compile anchors a pattern at both ends.
func compile(pattern string) (*regexp.Regexp, error) {
	if _, err := regexp.Compile(pattern); err != nil { // by itself: brackets could close those below
		return nil, fmt.Errorf("attribute pattern: %w", err)
	}
	re, err := regexp.Compile(`\A(?:` + pattern + `)\z`)
	if err != nil {
		return nil, fmt.Errorf("attribute pattern: %w", err)
	}
	return re, nil
}

type fullMatch struct {
	re *regexp.Regexp
	x  []string
	y  []uint8
}

func (k *fullMatch) Run(c *ops.Call) error {
	k.x, k.y = tensor.View[string](c.In(0)), tensor.View[uint8](c.Out(0))
	return c.Parallel((len(k.x)+perTile-1)/perTile, k)
}

func (k *fullMatch) Tile(_ ops.Worker, i int) {
	for j := i * perTile; j < min(len(k.x), (i+1)*perTile); j++ {
		k.y[j] = 0
		if k.re.MatchString(k.x[j]) {
			k.y[j] = 1
		}
	}
}
