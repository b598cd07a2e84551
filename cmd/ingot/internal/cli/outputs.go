package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"ingot/internal/atomicfile"
	"ingot/internal/near"
	"ingot/internal/onnxpb"
	"ingot/internal/safetensors"
	"ingot/npy"
	"ingot/tensor"
)

// target is one -o.
type target struct {
	name string // of an output; "" for all
	path string
	kind string // ".npy", ".npz", ".safetensors" or "dir"
}

// parseTargets reads the -o options, before anything runs: a mistake is found at once.
func parseTargets(texts []string, outputs []string) ([]target, error) {
	var list []target
	for _, text := range texts {
		t := target{path: text}
		for _, name := range outputs {
			if rest, ok := strings.CutPrefix(text, name+"="); ok {
				t.name, t.path = name, rest
			}
		}
		if t.name == "" {
			if name, _, ok := strings.Cut(text, "="); ok && !exists(text) {
				return nil, usage("the model has no output %q", name).withHint("%s", near.DidYouMean(name, outputs))
			}
		}
		if t.path == "" {
			return nil, usage("-o %s: a file's or folder's name is missing", text)
		}
		if err := t.settle(text, len(outputs) == 1); err != nil {
			return nil, err
		}
		if t.kind == ".npy" && t.name == "" {
			t.name = outputs[0]
		}
		list = append(list, t)
	}
	return list, nil
}

// settle finds out what kind of file is wanted, and that it can be made.
func (t *target) settle(text string, single bool) error {
	if t.path == "-" {
		return usage("-o %s: outputs don't go to standard output by that name", text).withHint("write -o NAME=/dev/stdout, or leave -o out for a summary")
	}
	t.kind = strings.ToLower(filepath.Ext(t.path))
	info, err := os.Stat(t.path)
	switch {
	case err == nil && info.IsDir(), strings.HasSuffix(t.path, "/"):
		t.kind = "dir"
	case t.kind == ".npy" && t.name == "" && !single:
		return usage("-o %s: a .npy file holds one output, and the model has several", text).withHint("write -o NAME=%s, or a folder, or a .npz", t.path)
	case t.kind == ".npy", t.kind == ".npz", t.kind == ".safetensors":
	case t.name != "", t.kind == "" && err == nil && single: // such as /dev/stdout
		t.kind = ".npy"
	case t.kind == "" && err == nil:
		return usage("-o %s: is no folder, and takes one output; the model has several", text).withHint("write -o NAME=%s", t.path)
	case t.kind == "":
		t.kind = "dir"
	default:
		return usage("-o %s: what kind of file is %q?", text, t.kind).withHint("outputs go to .npy, .npz, .safetensors, or into a folder")
	}
	if t.kind != "dir" {
		if _, err := os.Stat(filepath.Dir(t.path)); err != nil {
			return usage("-o %s: there is no folder %s", text, filepath.Dir(t.path))
		}
	}
	return nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// write writes the outputs that the target is for, each file whole or not at all, and returns the files' names.
func (t *target) write(outs feedOutputs) ([]string, error) {
	if t.name != "" {
		i := slices.IndexFunc(outs, func(v namedValue) bool { return v.name == t.name })
		outs = outs[i : i+1]
	}
	if t.kind == "dir" {
		return t.writeDir(outs)
	}
	var arrays []npy.Named
	for _, v := range outs {
		x, ok := v.value.(*tensor.Tensor)
		if !ok {
			return nil, usage("output %q is no tensor; -o with a folder's name writes it as a .pb", v.name)
		}
		arrays = append(arrays, npy.Named{Name: v.name, Tensor: x})
	}
	var err error
	switch t.kind {
	case ".npz":
		err = npy.WriteNpzFile(t.path, arrays)
	case ".safetensors":
		list := make([]safetensors.Named, len(arrays))
		for i, n := range arrays {
			list[i] = safetensors.Named{Name: n.Name, Tensor: n.Tensor}
		}
		err = safetensors.WriteFile(t.path, list, nil)
	default:
		err = npy.WriteFile(t.path, arrays[0].Tensor)
	}
	return []string{t.path}, writing(err)
}

func (t *target) writeDir(outs feedOutputs) ([]string, error) {
	if err := os.MkdirAll(t.path, 0o777); err != nil {
		return nil, writing(err)
	}
	var files []string
	for _, v := range outs {
		base := filepath.Join(t.path, fileName(v.name))
		path := base + ".npy"
		for n := 2; slices.Contains(files, path); n++ {
			path = fmt.Sprintf("%s_%d.npy", base, n)
		}
		var err error
		if x, ok := v.value.(*tensor.Tensor); ok {
			err = npy.WriteFile(path, x)
		} else {
			path = strings.TrimSuffix(path, ".npy") + ".pb"
			err = writeProto(path, v)
		}
		if err != nil {
			return files, writing(err)
		}
		files = append(files, path)
	}
	return files, nil
}

// writeProto writes what isn't a tensor, as the standard's test data has it.
func writeProto(path string, v namedValue) error {
	if v.value == nil {
		return errors.New("the output has no value")
	}
	b, err := onnxpb.EncodeValue(v.value, v.name)
	if err != nil {
		return err
	}
	return atomicfile.Write(path, func(w io.Writer) error {
		_, err := w.Write(b)
		return err
	})
}

// fileName makes a file's name of an output's, which may hold anything.
func fileName(name string) string {
	safe := strings.Map(func(r rune) rune {
		if strings.ContainsRune(`/\:*?"<>|`, r) || r < ' ' {
			return '_'
		}
		return r
	}, name)
	if strings.Trim(safe, "._") == "" {
		return "output" + safe
	}
	return strings.TrimLeft(safe, ".")
}
