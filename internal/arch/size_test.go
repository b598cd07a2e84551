package arch

import (
	"os"
	"path/filepath"
	"testing"
)

// sizeLimit is what a program that loads and runs a model may weigh, stripped, in bytes.
const sizeLimit = 6_000_000

// TestBinarySize builds a program that imports the root package only.
func TestBinarySize(t *testing.T) {
	root, _ := module(t)
	bin := filepath.Join(t.TempDir(), "core.exe")
	command(t, root, "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", bin, "./internal/arch/consumer/core")
	info, err := os.Stat(bin)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d bytes", info.Size())
	if info.Size() > sizeLimit {
		t.Errorf("the program has %d bytes; the limit is %d", info.Size(), sizeLimit)
	}
}
