package convert

import (
	"io/fs"
	"os"
	"strings"
	"testing"
)

// Everything that the Python package consists of is embedded, and nothing else.
func TestFilesAreTheFolder(t *testing.T) {
	embedded := map[string]bool{}
	err := fs.WalkDir(Files, ".", func(name string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			embedded[name] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir("ingot_convert")
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]bool{"requirements.txt": true}
	for _, entry := range entries {
		if entry.Name() == "__pycache__" {
			continue
		}
		if !strings.HasSuffix(entry.Name(), ".py") {
			t.Errorf("ingot_convert/%s isn't embedded", entry.Name())
		}
		want["ingot_convert/"+entry.Name()] = true
	}
	if len(want) < 10 || len(want) != len(embedded) {
		t.Errorf("%d files embedded, the folder has %d", len(embedded), len(want))
	}
	for name := range want {
		if !embedded[name] {
			t.Errorf("%s isn't embedded", name)
		}
	}
}
