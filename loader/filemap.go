package loader

import (
	"io"
	"os"

	"ingot/tensor"
)

// fileData is a file's content in memory.
type fileData struct {
	data []byte
	own  any          // keeps data alive
	free func() error // gives data back, once
}

// mapFile maps a regular file.
func mapFile(f *os.File) (fileData, error) {
	info, err := f.Stat()
	if err != nil {
		return fileData{}, err
	}
	b := tensor.AlignedBytes(int(info.Size()))
	if _, err := io.ReadFull(f, b); err != nil {
		return fileData{}, err
	}
	return fileData{data: b}, nil
}
