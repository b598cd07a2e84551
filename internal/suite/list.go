package suite

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Case is one case of the suite.
type Case struct {
	Kind string   // a key of [Kinds]
	Name string   // such as test_conv_with_strides_padding
	Dir  string   // holds model.onnx and, with other tolerances, data.json
	Sets []string // the folders test_data_set_0, test_data_set_1, … of the case, in order
}

// Model is the path of the case's model.
func (c Case) Model() string { return filepath.Join(c.Dir, "model.onnx") }

// List lists the cases below dir, which has the suite's subfolders, sorted by
// kind and name. It reads no file, only folders.
func List(dir string) ([]Case, error) {
	var cases []Case
	for kind := range Kinds {
		entries, err := os.ReadDir(filepath.Join(dir, kind))
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			c := Case{Kind: kind, Name: e.Name(), Dir: filepath.Join(dir, kind, e.Name())}
			for i := 0; ; i++ {
				set := filepath.Join(c.Dir, fmt.Sprintf("test_data_set_%d", i))
				if _, err := os.Stat(set); err != nil {
					break
				}
				c.Sets = append(c.Sets, set)
			}
			cases = append(cases, c)
		}
	}
	slices.SortFunc(cases, func(a, b Case) int {
		return cmp.Or(strings.Compare(a.Kind, b.Kind), strings.Compare(a.Name, b.Name))
	})
	return cases, nil
}
