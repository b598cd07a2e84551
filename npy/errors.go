package npy

import (
	"errors"
	"fmt"
	"strings"
)

// FormatError says what is wrong with a file, and where.
type FormatError struct {
	File   string // name of the file or of the archive's entry; empty when the reader has none
	Offset int64  // bytes from the start of the array's file
	Reason string
	Err    error // the cause, if it came from below: io.ErrUnexpectedEOF for a truncated file
}

func (e *FormatError) Error() string {
	var sb strings.Builder
	sb.WriteString("npy: ")
	if e.File != "" {
		sb.WriteString(e.File + ": ")
	}
	fmt.Fprintf(&sb, "at byte %d: %s", e.Offset, e.Reason)
	if e.Err != nil && !strings.Contains(e.Reason, e.Err.Error()) {
		sb.WriteString(": " + e.Err.Error())
	}
	return sb.String()
}

// Unwrap returns the cause.
func (e *FormatError) Unwrap() error { return e.Err }

func formatErr(off int64, cause error, format string, args ...any) error {
	return &FormatError{Offset: off, Reason: fmt.Sprintf(format, args...), Err: cause}
}

// inFile adds the file's name to a FormatError that has none.
func inFile(err error, name string) error {
	var fe *FormatError
	if errors.As(err, &fe) && fe.File == "" {
		named := *fe
		named.File = name
		return &named
	}
	return err
}
