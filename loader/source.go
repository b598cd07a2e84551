package loader

import (
	"errors"
	"io/fs"
	"sync"
)

// source is what a model's tensors are made from: the file's bytes and the external data beside it.
type source struct {
	file  string
	data  []byte
	owner any          // keeps data alive; nil on the Go heap
	free  func() error // gives data back; nil when there is nothing to give back
	ext   externals

	mu     sync.RWMutex // held for reading while a tensor is being made
	closed bool
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
	if s.free != nil {
		err = errors.Join(err, s.free())
	}
	s.data, s.owner, s.free = nil, nil, nil
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
