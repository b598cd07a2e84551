// Command support writes docs/support.md, the table of operators, from their declarations and the models of the test suites:
//
//	go run ./tools/support
//
// It is run in the repository and needs the official suite on this machine (go run ./tools/test --only suite). A test compares the committed
// table with what the command would write.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"ingot/internal/suite"
)

// target is where the table stands.
var target = filepath.Join("docs", "support.md")

func main() {
	if err := run("."); err != nil {
		fmt.Fprintln(os.Stderr, "support:", err)
		os.Exit(1)
	}
}

func run(root string) error {
	dir, err := suite.Dir()
	if err != nil {
		return err
	}
	b, err := table(root, dir)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(root, target), b, 0o644)
}
