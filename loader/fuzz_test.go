package loader_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"

	"ingot/internal/onnxpb"
	"ingot/loader"
	"ingot/tensor"
)

var update = flag.Bool("update", false, "write the committed corpus of FuzzParse anew")

const corpus = "testdata/fuzz/FuzzParse"

// FuzzParse feeds bytes to everything that reads bytes. What it accepts must be writable, and what was written must be accepted.
func FuzzParse(f *testing.F) {
	files := fstest.MapFS{"w.bin": {Data: make([]byte, 100)}}
	f.Fuzz(func(t *testing.T, b []byte) {
		checkValues(t, b)
		m, err := loader.Parse(b, loader.WithExternalFS(files), loader.WithLimits(loader.Limits{DenseBytes: 1 << 20}))
		if err != nil {
			var fe *loader.FormatError
			if !errors.As(err, &fe) || fe.Offset < -1 || fe.Offset > int64(len(b)) || err.Error() == "" {
				t.Fatalf("%T %v", err, err)
			}
			return
		}
		m.Params()
		m.Operators()
		good := true
		m.Graph.Walk(func(g *loader.Graph) {
			for _, in := range g.Initializers {
				x, err := in.Tensor()
				if err != nil {
					good = false // an index of a sparse tensor, say
					continue
				}
				if err := x.Err(); err != nil {
					t.Fatal(err)
				}
			}
		})
		if !good {
			return
		}
		out, err := onnxpb.Encode(m)
		if err != nil {
			if errors.As(err, new(*loader.FormatError)) {
				return // a part of a sparse attribute that nobody has looked at yet
			}
			t.Fatal(err)
		}
		again, err := loader.Parse(out, loader.WithExternalFS(files))
		if err != nil {
			t.Fatalf("what was written isn't read: %v", err)
		}
		if len(again.Graph.Nodes) != len(m.Graph.Nodes) || len(again.Graph.Initializers) != len(m.Graph.Initializers) {
			t.Fatal("nodes or initializers got lost")
		}
	})
}

// checkValues reads b as each kind of value.
func checkValues(t *testing.T, b []byte) {
	for _, k := range []loader.Kind{loader.KindTensor, loader.KindSequence, loader.KindOptional, loader.KindMap} {
		if _, v, err := loader.DecodeValue(b, loader.TypeInfo{Kind: k}); err == nil {
			if x, ok := v.(*tensor.Tensor); ok && x.Err() != nil {
				t.Fatal(x.Err())
			}
		}
	}
}

// seeds are the sample models, whole and damaged, and values.
func seeds(t testing.TB) map[string][]byte {
	list := make(map[string][]byte)
	for _, s := range samples() {
		b := encode(t, s.model)
		list[s.name] = b
		list[s.name+"-cut"] = b[:len(b)*2/3]
		flipped := bytes.Clone(b)
		flipped[len(b)/2] ^= 0x14
		list[s.name+"-flipped"] = flipped
	}
	for i, form := range []onnxpb.Form{onnxpb.Raw, onnxpb.Packed, onnxpb.Unpacked} {
		for _, dt := range []tensor.DType{tensor.Float32, tensor.Int4, tensor.Int64, tensor.BFloat16} {
			b, err := onnxpb.EncodeTensorAs(element(dt), "w", form)
			if err != nil {
				t.Fatal(err)
			}
			list[fmt.Sprintf("tensor-%s-%d", dt, i)] = b
		}
	}
	two := tensor.Of([]float32{1, 2})
	for name, v := range map[string]tensor.Value{
		"sequence": &tensor.Sequence{Items: []tensor.Value{two, two}},
		"optional": &tensor.Optional{V: two},
		"map":      &tensor.Map{Keys: tensor.Of([]string{"a", "b"}), Values: two},
	} {
		b, err := onnxpb.EncodeValue(v, name)
		if err != nil {
			t.Fatal(err)
		}
		list[name] = b
	}
	list["ff"] = bytes.Repeat([]byte{0xff}, 64)
	list["groups"] = bytes.Repeat([]byte{0x0b}, 200)
	return list
}

// The corpus that stands in the repository is what the seeds give: a change of the encoder or the samples must not leave it behind.
func TestCorpus(t *testing.T) {
	total := 0
	for name, b := range seeds(t) {
		file := filepath.Join(corpus, name)
		want := []byte(fmt.Sprintf("go test fuzz v1\n[]byte(%q)\n", b))
		total += len(want)
		if *update {
			if err := os.MkdirAll(corpus, 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, want, 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		got, err := os.ReadFile(file)
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s isn't the seed of that name (go test ./loader -run TestCorpus -update): %v", file, err)
		}
	}
	if total > 200_000 {
		t.Errorf("the corpus takes %d bytes", total)
	}
}
