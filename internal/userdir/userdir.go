// Package userdir says where Ingot keeps what it can make again: Python
// environments, the ONNX test suite, converted models.
package userdir

import (
	"fmt"
	"os"
	"path/filepath"
)

// Cache returns the path of elem inside Ingot's folder in the user's cache
// folder (on Linux $XDG_CACHE_HOME/ingot or ~/.cache/ingot). It creates
// nothing. Everything below it may be deleted at any time between two runs.
func Cache(elem ...string) (string, error) {
	base, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("no cache folder for this user: %w", err)
	}
	return filepath.Join(append([]string{base, "ingot"}, elem...)...), nil
}
