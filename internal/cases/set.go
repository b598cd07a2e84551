package cases

import (
	"fmt"
	"os"
	"path/filepath"
)

// ReadSet reads the data in a folder: input_M.pb and output_M.pb, either of which may be missing altogether, or what an index.json names, or the first set
// of a case.
func ReadSet(dir string) (Set, error) {
	if b, err := os.ReadFile(filepath.Join(dir, "index.json")); err == nil {
		c := &Case{Dir: dir}
		if err := c.readIndex(b); err != nil {
			return Set{}, err
		}
		return c.Sets[0], nil
	}
	if first := filepath.Join(dir, "test_data_set_0"); isDir(first) {
		dir = first
	}
	s, err := readFiles(dir)
	if err == nil && len(s.Inputs)+len(s.Outputs) == 0 {
		err = fmt.Errorf("no input_N.pb, no output_N.pb and no index.json in it")
	}
	return s, err
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}
