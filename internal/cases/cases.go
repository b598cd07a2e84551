// Package cases reads reference cases, a model with inputs and the outputs that it must give, and compares tensors.
//
// There are two layouts. The ONNX backend suite's is a folder with model.onnx, folders test_data_set_N with input_M.pb and
// output_M.pb, and an optional data.json with tolerances. The other is a folder with index.json, which names arrays for inputs
// and outputs, optionally another model file, rtol and atol.
package cases

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"ingot/loader"
	"ingot/npy"
	"ingot/tensor"
)

// Case is a model with one or more sets of inputs and expected outputs.
type Case struct {
	Name  string // folder, relative to where the search began
	Dir   string
	Model string
	Sets  []Set
	RTol  *float64 // nil: the default
	ATol  *float64
	Err   error `json:"-"` // of [FindAll]: why the case can't be run; only Name and Dir are meant then
}

// Set is one run's data.
type Set struct {
	Inputs  []File
	Outputs []File
}

// File is a value on disk.
type File struct {
	Name  string // of the input or output; empty: the Index-th one
	Index int
	Path  string
}

type indexJSON struct {
	Model   string      `json:"model"`
	Inputs  []indexFile `json:"inputs"`
	Outputs []indexFile `json:"outputs"`
	RTol    *float64    `json:"rtol"`
	ATol    *float64    `json:"atol"`
}

type indexFile struct {
	Name string `json:"name"`
	File string `json:"file"`
}

// Find returns the cases in the folders, found recursively and sorted by name. A case that can't be read is an error.
func Find(dirs ...string) ([]Case, error) {
	list, err := FindAll(dirs...)
	if err != nil {
		return nil, err
	}
	for i := range list {
		if err := list[i].Err; err != nil {
			return nil, err
		}
	}
	return list, nil
}

// FindAll is [Find] for those who look at each case's Err: a case that can't be read is among the others.
func FindAll(dirs ...string) ([]Case, error) {
	var out []Case
	for _, root := range dirs {
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil || !d.IsDir() {
				return err
			}
			c, err := read(root, path)
			if c == nil {
				return err
			}
			c.Err = err
			out = append(out, *c)
			return filepath.SkipDir
		})
		if err != nil {
			return nil, err
		}
	}
	slices.SortFunc(out, func(a, b Case) int { return strings.Compare(a.Name, b.Name) })
	return out, nil
}

// read returns the case in a folder, nil when there is none. The error is about the case, or else about the folder.
func read(root, dir string) (*Case, error) {
	name, err := filepath.Rel(root, dir)
	if err != nil {
		return nil, err
	}
	if name == "." {
		name = filepath.Base(dir)
	}
	c := &Case{Name: filepath.ToSlash(name), Dir: dir, Model: filepath.Join(dir, "model.onnx")}
	if b, err := os.ReadFile(filepath.Join(dir, "index.json")); err == nil {
		return c, c.readIndex(b)
	}
	sets, err := filepath.Glob(filepath.Join(escape(dir), "test_data_set_*"))
	if err != nil || len(sets) == 0 {
		return nil, err
	}
	if _, err := os.Stat(c.Model); err != nil {
		return c, fmt.Errorf("%s has data but no model: %w", dir, err)
	}
	slices.Sort(sets)
	for _, s := range sets {
		set, err := readSet(s)
		if err != nil {
			return c, err
		}
		c.Sets = append(c.Sets, set)
	}
	b, err := os.ReadFile(filepath.Join(dir, "data.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return c, nil
	}
	if err != nil {
		return c, err
	}
	var tol indexJSON
	if err := json.Unmarshal(b, &tol); err != nil {
		return c, fmt.Errorf("%s: %w", filepath.Join(dir, "data.json"), err)
	}
	c.RTol, c.ATol = tol.RTol, tol.ATol
	return c, nil
}

// escape keeps a folder's name from being read as a pattern.
func escape(dir string) string {
	return strings.NewReplacer("[", "\\[", "*", "\\*", "?", "\\?").Replace(dir)
}

func (c *Case) readIndex(b []byte) error {
	var ix indexJSON
	if err := json.Unmarshal(b, &ix); err != nil {
		return fmt.Errorf("%s: %w", filepath.Join(c.Dir, "index.json"), err)
	}
	if len(ix.Outputs) == 0 {
		return fmt.Errorf("%s: names no outputs, so nothing would be compared", filepath.Join(c.Dir, "index.json"))
	}
	if ix.Model != "" {
		c.Model = filepath.Join(c.Dir, filepath.FromSlash(ix.Model))
	}
	c.RTol, c.ATol = ix.RTol, ix.ATol
	files := func(list []indexFile) []File {
		out := make([]File, len(list))
		for i, f := range list {
			out[i] = File{Name: f.Name, Index: i, Path: filepath.Join(c.Dir, filepath.FromSlash(f.File))}
		}
		return out
	}
	c.Sets = []Set{{Inputs: files(ix.Inputs), Outputs: files(ix.Outputs)}}
	return nil
}

func readSet(dir string) (Set, error) {
	s, err := readFiles(dir)
	if err == nil && len(s.Outputs) == 0 {
		err = fmt.Errorf("%s has no outputs to compare with", dir)
	}
	return s, err
}

// readFiles finds input_M.pb and output_M.pb.
func readFiles(dir string) (Set, error) {
	var s Set
	entries, err := os.ReadDir(dir)
	if err != nil {
		return s, err
	}
	for _, e := range entries {
		kind, rest, ok := strings.Cut(strings.TrimSuffix(e.Name(), ".pb"), "_")
		n, err := strconv.Atoi(rest)
		if !ok || err != nil || !strings.HasSuffix(e.Name(), ".pb") {
			continue
		}
		f := File{Index: n, Path: filepath.Join(dir, e.Name())}
		switch kind {
		case "input":
			s.Inputs = append(s.Inputs, f)
		case "output":
			s.Outputs = append(s.Outputs, f)
		}
	}
	byIndex := func(a, b File) int { return a.Index - b.Index }
	slices.SortFunc(s.Inputs, byIndex)
	slices.SortFunc(s.Outputs, byIndex)
	return s, nil
}

// Load reads a value. decl is the type that the model gives it.
func (f *File) Load(decl loader.TypeInfo) (tensor.Value, error) {
	if filepath.Ext(f.Path) == ".npy" {
		return npy.ReadFileAs(f.Path, decl.DType)
	}
	b, err := os.ReadFile(f.Path)
	if err != nil {
		return nil, err
	}
	_, v, err := loader.DecodeValue(b, decl)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.Path, err)
	}
	return v, nil
}

// Input returns which of a graph's inputs a file is for: by name, or else by index among those that have no initializer.
func (f *File) Input(g *loader.Graph) (*loader.ValueInfo, error) {
	if f.Name != "" {
		return f.of(g.Inputs)
	}
	var plain []*loader.ValueInfo
	for _, v := range g.Inputs {
		if g.Initializer(v.Name) == nil {
			plain = append(plain, v)
		}
	}
	return f.of(plain)
}

// Output returns which of a graph's outputs a file is for, by name or else by index.
func (f *File) Output(g *loader.Graph) (*loader.ValueInfo, error) { return f.of(g.Outputs) }

func (f *File) of(values []*loader.ValueInfo) (*loader.ValueInfo, error) {
	for _, v := range values {
		if f.Name != "" && v.Name == f.Name {
			return v, nil
		}
	}
	if f.Name == "" && f.Index < len(values) {
		return values[f.Index], nil
	}
	return nil, fmt.Errorf("%s is for value %q (index %d), which the model doesn't have", f.Path, f.Name, f.Index)
}
