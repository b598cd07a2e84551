package loader

import (
	"errors"
	"io/fs"
	"sync"

	"ingot/internal/mem"
	"ingot/tensor"
)

// source is what a model's tensors are made from: the file's bytes and the external data beside it.
type source struct {
	file  string
	data  []byte
	block *mem.Block // holds data; nil when the caller gave it
	ext   externals

	mu     sync.RWMutex // held for reading while a tensor is being made
	closed bool

	model  bool // there is a Model, and so a Close
	copies blockList
}

// blockList is the memory that was taken for payloads which can't be used as they are.
type blockList struct {
	mu   sync.Mutex
	list []*mem.Block
}

// alloc returns n zero bytes for a payload, and what keeps them alive, nil for the Go heap. Large payloads stay off the heap, where they
// would make the garbage collector wait for twice their size.
func (s *source) alloc(n int) ([]byte, *mem.Block, error) {
	const large = 256 << 10
	if !s.model || n < large {
		return tensor.AlignedBytes(n), nil, nil
	}
	b, err := mem.Alloc(n)
	if err != nil {
		return nil, nil, err
	}
	s.copies.mu.Lock()
	defer s.copies.mu.Unlock()
	s.copies.list = append(s.copies.list, b)
	return b.Bytes(), b, nil
}

// hold is a block as a tensor's owner.
func hold(b *mem.Block) any {
	if b == nil {
		return nil
	}
	return b
}

// enter must precede each use of data that isn't part of loading; leave follows it.
func (s *source) enter() error {
	s.mu.RLock()
	if s.closed {
		s.mu.RUnlock()
		return ErrClosed
	}
	return nil
}

func (s *source) leave() { s.mu.RUnlock() }

func (s *source) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	err := s.ext.close()
	for _, b := range s.copies.list {
		b.Free()
	}
	s.block.Free()
	s.data, s.block, s.copies.list = nil, nil, nil
	return err
}

// blame writes the file's name into an error.
func (s *source) blame(err error) error {
	var fe *FormatError
	if s != nil && errors.As(err, &fe) && fe.File == "" {
		fe.File = s.file
	}
	return err
}

// Close gives back the mapped memory. Tensors that came from the model, and slices of their elements, must not be used afterwards: their
// memory may be gone, and touching it ends the program. Whoever runs the model waits for the runs first. Close may be called more than
// once and from any goroutine; a model that is forgotten is closed when the garbage collector finds it and its tensors unreachable.
func (m *Model) Close() error {
	if m == nil || m.src == nil {
		return nil
	}
	return m.src.close()
}

var errFolder = errors.New("is a folder")

// regular tells whether a file is one that can be read from any place in it. Opening a pipe would wait for its other end.
func regular(info fs.FileInfo) error {
	switch mode := info.Mode(); {
	case mode.IsDir():
		return errFolder
	case !mode.IsRegular():
		return errors.New("isn't a regular file")
	}
	return nil
}
