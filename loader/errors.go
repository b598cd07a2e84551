package loader

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// FormatError says what is wrong with a model file, and where.
type FormatError struct {
	File   string // the file's name; empty when the model came as bytes
	Offset int64  // position in the file of the field that is wrong; -1 when no single one is to blame
	Where  string // path to the part of the model: `node 12 "conv1" (Conv): attribute "pads"`; empty for the file as a whole
	Msg    string
	Err    error // the cause, if another package reported it: a *fs.PathError for external data that is missing, say
}

// ErrClosed is what asking a closed model for a tensor gives.
var ErrClosed = errors.New("the model is closed")

// Error gives the file, the place, what is wrong and the offset, in one line.
func (e *FormatError) Error() string {
	var sb strings.Builder
	if e.File != "" {
		sb.WriteString(e.File)
		sb.WriteString(": ")
	}
	if e.Where != "" {
		sb.WriteString(e.Where)
		sb.WriteString(": ")
	}
	sb.WriteString(e.Msg)
	if e.Err != nil {
		if e.Msg != "" {
			sb.WriteString(": ")
		}
		sb.WriteString(e.Err.Error())
	}
	if e.Offset >= 0 {
		fmt.Fprintf(&sb, " (at byte %d)", e.Offset)
	}
	return sb.String()
}

// Unwrap returns the cause.
func (e *FormatError) Unwrap() error { return e.Err }

// formatErr makes an error about the byte at off.
func formatErr(off int64, format string, args ...any) error {
	return &FormatError{Offset: off, Msg: fmt.Sprintf(format, args...)}
}

// within puts a step of the path in front of an error's place.
func within(err error, where string) error {
	var fe *FormatError
	if !errors.As(err, &fe) {
		return err
	}
	if fe.Where == "" {
		fe.Where = where
	} else {
		fe.Where = where + ": " + fe.Where
	}
	return err
}

// quote quotes a name from a file for a message. Long ones are cut: a name may be megabytes of garbage.
func quote(s string) string {
	const limit = 80
	if len(s) > limit {
		return strconv.Quote(s[:limit]) + "…"
	}
	return strconv.Quote(s)
}
