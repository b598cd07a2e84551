//go:build !unix && !windows

package mem

import (
	"errors"
	"os"
)

// canMap is false: Alloc takes the Go heap, and MapFile refuses, before any of the functions below would be called.
const canMap = false

func mapMemory(int) ([]byte, error) { return nil, errors.ErrUnsupported }

func mapFile(*os.File, int, bool) ([]byte, error) { return nil, errors.ErrUnsupported }

func unmapMemory([]byte) {}

func unmapFile([]byte) {}
