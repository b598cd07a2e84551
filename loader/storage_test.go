package loader_test

import (
	"encoding/binary"
	"errors"
	"math"
	"strings"
	"sync"
	"testing"
	"unsafe"

	"google.golang.org/protobuf/encoding/protowire"

	"ingot/internal/endian"
	"ingot/internal/onnxpb"
	"ingot/loader"
	"ingot/tensor"
)

// wire builds protobuf messages by hand, for what the encoder wouldn't write.
type wire []byte

func (w wire) num(n protowire.Number, v int64) wire {
	return protowire.AppendVarint(protowire.AppendTag(w, n, protowire.VarintType), uint64(v))
}
func (w wire) str(n protowire.Number, s string) wire { return w.msg(n, wire(s)) }
func (w wire) msg(n protowire.Number, sub wire) wire {
	return protowire.AppendBytes(protowire.AppendTag(w, n, protowire.BytesType), sub)
}

func floatBytes(list ...float32) []byte {
	var b []byte
	for _, v := range list {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
	}
	return b
}

// Every element type in every form reads back as it was.
func TestForms(t *testing.T) {
	for _, dt := range tensor.AllTypes.List() {
		for _, form := range []onnxpb.Form{onnxpb.Raw, onnxpb.Packed, onnxpb.Unpacked} {
			want := element(dt)
			b, err := onnxpb.EncodeTensorAs(want, "w", form)
			if err != nil {
				t.Fatal(err)
			}
			for shift := range 8 { // at each alignment
				buf := make([]byte, len(b)+8)
				copy(buf[shift:], b)
				name, got, err := loader.DecodeTensor(buf[shift : shift+len(b)])
				if err != nil || name != "w" || !got.Equal(want) {
					t.Errorf("%s, form %d, shifted by %d: %v %v %v, want %v", dt, form, shift, name, got, err, want.Bytes())
				}
			}
		}
	}
}

func TestPayloadIsSharedWhenAligned(t *testing.T) {
	want := element(tensor.Float32)
	b, _ := onnxpb.EncodeTensor(want, "w")
	at := strings.Index(string(b), string(floatsOf(want)))
	buf := tensor.AlignedBytes(len(b) + 8)
	shift := (8 - at%8) % 8
	in := buf[shift : shift+len(b)]
	copy(in, b)
	_, got, err := loader.DecodeTensor(in)
	if err != nil {
		t.Fatal(err)
	}
	if shared := unsafe.SliceData(got.Bytes()) == &in[at]; shared == endian.Big {
		t.Errorf("payload shared: %v", shared)
	}
}

func floatsOf(x *tensor.Tensor) []byte { b, _ := loader.RawData(x); return b }

func TestOddPayloads(t *testing.T) {
	head := func(dt tensor.DType, dims ...int64) wire {
		var w wire
		for _, d := range dims {
			w = w.num(1, d) // unpacked
		}
		return w.num(2, int64(dt))
	}
	for _, c := range []struct {
		name string
		b    wire
		want *tensor.Tensor
		err  string
	}{
		{"bools other than 0 and 1", head(tensor.Bool, 4).msg(9, wire{0, 1, 2, 0xff}), tensor.Of([]bool{false, true, true, true}), ""},
		{"bools in int32_data", head(tensor.Bool, 2).num(5, 7).num(5, 0), tensor.Of([]bool{true, false}), ""},
		{"half of negative zero, sign-extended", head(tensor.Float16, 1).num(5, -32768), tensor.Of([]tensor.F16{0x8000}), ""},
		{"int8 by its bits", head(tensor.Int8, 1).num(5, 200), tensor.Of([]int8{-56}), ""},
		{"int8 too large", head(tensor.Int8, 1).num(5, 300), nil, "doesn't fit int8"},
		{"int32 too large", head(tensor.Int32, 1).num(5, 1<<33), nil, "doesn't fit int32"},
		{"uint32 at its end", head(tensor.Uint32, 1).num(11, 1<<32-1), tensor.Of([]uint32{1<<32 - 1}), ""},
		{"packed in two pieces", head(tensor.Float32, 2).msg(4, floatBytes(1)).msg(4, floatBytes(2)), tensor.Of([]float32{1, 2}), ""},
		{"packed and unpacked", head(tensor.Int64, 3).msg(7, wire{1, 2}).num(7, -3), tensor.Of([]int64{1, 2, -3}), ""},
		{"an empty piece first", head(tensor.Float32, 1).msg(4, nil).msg(4, floatBytes(2)), tensor.Of([]float32{2}), ""},
		{"empty raw_data beside numbers", head(tensor.Int64, 1).msg(9, nil).num(7, 5), tensor.Of([]int64{5}), ""},
		{"odd number of int4", head(tensor.Int4, 3).msg(9, wire{0x8f, 0x07}), mustBytes(tensor.Int4, []byte{0xff, 0xf8, 7}), ""},
		{"int2", head(tensor.Int2, 4).msg(9, wire{0xb1}), mustBytes(tensor.Int2, []byte{1, 0, 0xff, 0xfe}), ""},
		{"uint4 in int32_data", head(tensor.Uint4, 2).num(5, 0xf1), mustBytes(tensor.Uint4, []byte{1, 15}), ""},
		{"scalar", head(tensor.Float64).msg(9, wire{0, 0, 0, 0, 0, 0, 0xf0, 0x3f}), tensor.Scalar(1.0), ""},
		{"no data, no elements", head(tensor.Float32, 3, 0), mustNew(tensor.Float32, 3, 0), ""},
		{"no data", head(tensor.Float32, 3), nil, "has no data"},
		{"no type", wire{}.num(1, 1), nil, "element type"},
		{"unknown type", wire{}.num(2, 99), nil, "no element type with the number 99"},
		{"type of a later standard", wire{}.num(2, 27), nil, "float6e2m3 isn't supported"},
		{"too short", head(tensor.Float32, 2).msg(9, floatBytes(1)), nil, "takes 8 bytes, but 4"},
		{"too long", head(tensor.Float32, 1).msg(9, floatBytes(1, 2)), nil, "takes 4 bytes, but 8"},
		{"too few numbers", head(tensor.Int64, 2).num(7, 1), nil, "takes 2 numbers, but 1"},
		{"two fields", head(tensor.Float32, 1).msg(9, floatBytes(1)).msg(4, floatBytes(1)), nil, "two fields"},
		{"wrong field", head(tensor.Float32, 1).num(7, 1), nil, "belongs in field 4"},
		{"strings as raw data", head(tensor.String, 1).msg(9, wire("abc")), nil, "strings can't"},
		{"negative dimension", head(tensor.Float32, -1), nil, "negative"},
		{"huge", head(tensor.Float32, 1<<30, 1<<30, 1<<30), nil, "too many elements"},
		{"huge in bytes", head(tensor.Complex128, 1<<60-1), nil, "address"},
		{"huge but empty", head(tensor.Float32, 1<<30, 0), mustNew(tensor.Float32, 1<<30, 0), ""},
		{"segment", head(tensor.Float32, 1).msg(3, nil), nil, "segments"},
		{"floats of 3 bytes", head(tensor.Float32, 1).msg(4, wire{1, 2, 3}), nil, "takes 3 bytes"},
		{"a number that doesn't end", head(tensor.Int64, 1).msg(7, wire{0x80}), nil, "list of numbers"},
		{"external without a file", head(tensor.Float32, 1).num(14, 1).msg(13, wire{}.str(1, "location").str(2, "x")), nil, "without the files"},
		{"external without a location", head(tensor.Float32, 1).num(14, 1), nil, "without a location"},
		{"external data that is there", head(tensor.Float32, 1).num(14, 1).msg(9, floatBytes(1)), nil, "says that it is external"},
		{"wire type", wire{}.str(2, "x"), nil, "wire type 2 where 0 belongs"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, got, err := loader.DecodeTensor(c.b)
			switch {
			case c.err == "" && (err != nil || !got.Equal(c.want)):
				t.Errorf("%v, %v, want %v", got, err, c.want)
			case c.err != "":
				var fe *loader.FormatError
				if !errors.As(err, &fe) || !strings.Contains(err.Error(), c.err) || fe.Offset < 0 {
					t.Errorf("error %v, want a FormatError with %q and an offset", err, c.err)
				}
			}
		})
	}
}

func mustNew(dt tensor.DType, shape ...int) *tensor.Tensor {
	t, err := tensor.New(dt, shape...)
	if err != nil {
		panic(err)
	}
	return t
}

func mustBytes(dt tensor.DType, b []byte) *tensor.Tensor {
	t, err := tensor.FromBytes(dt, []int{len(b)}, b, nil)
	if err != nil {
		panic(err)
	}
	return t
}

func TestInitializersOfAllTypes(t *testing.T) {
	m, err := loader.Parse(encode(t, allDTypes()))
	if err != nil {
		t.Fatal(err)
	}
	for _, in := range m.Graph.Initializers {
		want := element(in.DType)
		var wg sync.WaitGroup
		first, _ := in.Tensor()
		for range 4 {
			wg.Go(func() {
				if got, err := in.Tensor(); err != nil || !got.Equal(want) || got != first {
					t.Errorf("%s: %v %v", in.Name, got, err)
				}
			})
		}
		wg.Wait()
		raw, err := in.Raw()
		packed, rawErr := loader.RawData(want)
		if err != nil || string(raw) != string(packed) || (rawErr != nil) != (raw == nil) {
			t.Errorf("%s: raw %x, %v; want %x", in.Name, raw, err, packed)
		}
		if in.NumElements() != 5 {
			t.Errorf("%s: %d elements", in.Name, in.NumElements())
		}
	}
	if err := m.Close(); err != nil {
		t.Error(err)
	}
	if err := m.Close(); err != nil {
		t.Error("closed twice:", err)
	}
	if _, err := m.Graph.Initializers[0].Tensor(); err != nil {
		t.Errorf("a tensor that was made: %v", err)
	}
	if _, err := m.Graph.Initializers[0].Raw(); !errors.Is(err, loader.ErrClosed) {
		t.Errorf("raw data after Close: %v", err)
	}
}

func TestWithCopy(t *testing.T) {
	b := encode(t, allDTypes())
	m, err := loader.Parse(b, loader.WithCopy())
	if err != nil {
		t.Fatal(err)
	}
	clear(b)
	for _, in := range m.Graph.Initializers {
		if got, err := in.Tensor(); err != nil || !got.Equal(element(in.DType)) {
			t.Errorf("%s: %v %v", in.Name, got, err)
		}
	}
}

func TestSparse(t *testing.T) {
	m, err := loader.Parse(encode(t, sparse()))
	if err != nil {
		t.Fatal(err)
	}
	for _, in := range m.Graph.Initializers {
		want := tensor.Of([]float32{0, 1, 0, 0, 0, 0, 2, 0, 0, 0, 0, 3}, 3, 4)
		if got, err := in.Tensor(); err != nil || !got.Equal(want) {
			t.Errorf("%s: %v %v", in.Name, got, err)
		}
	}
	part := func(dt tensor.DType, raw []byte, dims ...int64) wire {
		w := wire{}.num(2, int64(dt)).str(8, "s")
		for _, d := range dims {
			w = w.num(1, d)
		}
		if len(raw) > 0 {
			w = w.msg(9, raw)
		}
		return w
	}
	one, index := part(tensor.Float32, floatBytes(1), 1), part(tensor.Int64, make([]byte, 8), 1)
	far := part(tensor.Int64, []byte{12, 0, 0, 0, 0, 0, 0, 0}, 1)
	negative := part(tensor.Int64, []byte{0, 0, 0, 0, 0, 0, 0, 0x80}, 1)
	for _, c := range []struct {
		name string
		b    wire
		want string
	}{
		{"no values", wire{}.msg(2, index).num(3, 4), "no values"},
		{"no indices", wire{}.msg(1, one).num(3, 4), "no indices"},
		{"too many indices", wire{}.msg(1, one).msg(2, part(tensor.Int64, make([]byte, 16), 2)).num(3, 4), "don't fit 1 values"},
		{"indices of another type", wire{}.msg(1, one).msg(2, part(tensor.Int32, make([]byte, 4), 1)).num(3, 4), "are int64"},
		{"a matrix of values", wire{}.msg(1, part(tensor.Float32, floatBytes(1), 1, 1)).msg(2, index).num(3, 4), "are a vector"},
		{"index outside", wire{}.msg(1, one).msg(2, far).num(3, 4).num(3, 3), "outside its shape [4,3]"},
		{"negative index", wire{}.msg(1, one).msg(2, negative).num(3, 4), "outside its shape"},
		{"large", wire{}.msg(1, one).msg(2, index).num(3, 1<<28+1).num(3, 1), "more than the limit"},
		{"a dimension below zero", wire{}.msg(1, one).msg(2, index).num(3, -4), "negative"},
	} {
		_, _, err := loader.DecodeValue(c.b, loader.TypeInfo{Kind: loader.KindSparse})
		var fe *loader.FormatError
		if !errors.As(err, &fe) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want a FormatError with %q", c.name, err, c.want)
		}
	}
}

func TestValues(t *testing.T) {
	one, two := tensor.Scalar[float32](1), tensor.Of([]float32{1, 2})
	typ := func(k loader.Kind) loader.TypeInfo {
		return loader.TypeInfo{Kind: k, Elem: &loader.TypeInfo{Kind: loader.KindTensor, DType: tensor.Int32}}
	}
	seq := func(list ...tensor.Value) *tensor.Sequence { return &tensor.Sequence{Items: list} }
	for _, c := range []struct {
		kind loader.Kind
		v    tensor.Value
	}{
		{loader.KindTensor, two},
		{loader.KindSequence, seq(one, two)},
		{loader.KindSequence, seq()},
		{loader.KindSequence, seq(seq(one), seq())},
		{loader.KindOptional, &tensor.Optional{}},
		{loader.KindOptional, &tensor.Optional{V: two}},
		{loader.KindOptional, &tensor.Optional{V: seq(two)}},
		{loader.KindMap, &tensor.Map{Keys: tensor.Of([]string{"a", "b"}), Values: two}},
		{loader.KindMap, &tensor.Map{Keys: tensor.Of([]int64{-1}), Values: tensor.Of([]string{"x"})}},
	} {
		b, err := onnxpb.EncodeValue(c.v, "v")
		if err != nil {
			t.Fatal(err)
		}
		name, got, err := loader.DecodeValue(b, typ(c.kind))
		if err != nil || name != "v" || !sameValue(got, c.v) {
			t.Errorf("%v: %q %#v %v", c.kind, name, got, err)
		}
		if s, ok := got.(*tensor.Sequence); ok && len(s.Items) == 0 && s.Elem != tensor.Int32 {
			t.Errorf("an empty sequence has elements of %s, not those of its type", s.Elem)
		}
	}
	if _, _, err := loader.DecodeValue(nil, typ(loader.KindOpaque)); err == nil {
		t.Error("an opaque value was read")
	}
	deep := wire{}
	for range 100 {
		deep = wire{}.msg(5, deep)
	}
	for _, b := range []wire{
		wire{}.msg(3, wire{}.num(2, 1)).msg(3, wire{}.num(2, 7)), // no data, and two types
		wire{}.msg(4, nil), deep, {0xff},
	} {
		var fe *loader.FormatError
		if _, _, err := loader.DecodeSequence(b); !errors.As(err, &fe) {
			t.Errorf("%q: %v, want a FormatError", b, err)
		}
	}
}

func sameValue(a, b tensor.Value) bool {
	switch a := a.(type) {
	case *tensor.Tensor:
		t, ok := b.(*tensor.Tensor)
		return ok && a.Equal(t)
	case *tensor.Sequence:
		s, ok := b.(*tensor.Sequence)
		if !ok || len(a.Items) != len(s.Items) {
			return false
		}
		for i := range a.Items {
			if !sameValue(a.Items[i], s.Items[i]) {
				return false
			}
		}
		return true
	case *tensor.Optional:
		o, ok := b.(*tensor.Optional)
		return ok && (a.V == nil) == (o.V == nil) && (a.V == nil || sameValue(a.V, o.V))
	case *tensor.Map:
		m, ok := b.(*tensor.Map)
		return ok && a.Keys.Equal(m.Keys) && a.Values.Equal(m.Values)
	}
	return false
}
