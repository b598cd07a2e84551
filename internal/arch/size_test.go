package arch

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// sizeLimit is what a program that loads and runs a model may weigh, stripped, in bytes.
const sizeLimit = 6_000_000

const hello = `package main

import (
	"context"
	"fmt"
	"os"

	"ingot"
	"ingot/tensor"
)

func main() {
	model, err := ingot.Load(os.Args[1])
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(model.Run(context.Background(), ingot.Inputs{"x": tensor.Of([]float32{1})}))
}
`

// TestBinarySize builds a program that imports the root package only.
func TestBinarySize(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp(root, ".size-") // inside the module, so that no network is needed
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	if err := os.WriteFile(filepath.Join(dir, "main.go"), []byte(hello), 0o644); err != nil {
		t.Fatal(err)
	}
	bin := filepath.Join(t.TempDir(), "hello")
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", bin, ".")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	info, err := os.Stat(bin)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d bytes", info.Size())
	if info.Size() > sizeLimit {
		t.Errorf("the program has %d bytes; the limit is %d", info.Size(), sizeLimit)
	}
}
