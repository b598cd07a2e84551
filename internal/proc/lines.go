package proc

import "bytes"

// maxLine bounds what is kept of a line that does not end.
const maxLine = 64 << 10

// LineWriter hands on what is written to it line by line. A carriage return
// ends a line too, since progress bars use it.
type LineWriter struct {
	Line func(string) // called without the line end; empty lines are left out
	rest []byte
}

// Write never fails.
func (w *LineWriter) Write(p []byte) (int, error) {
	n := len(p)
	for {
		i := bytes.IndexAny(p, "\r\n")
		if i < 0 {
			break
		}
		w.rest = append(w.rest, p[:i]...)
		w.flush()
		p = p[i+1:]
	}
	w.rest = append(w.rest, p...)
	if len(w.rest) > maxLine {
		w.flush()
	}
	return n, nil
}

// Close hands on a last line that had no end.
func (w *LineWriter) Close() error {
	w.flush()
	return nil
}

func (w *LineWriter) flush() {
	if len(w.rest) > 0 {
		w.Line(string(w.rest))
		w.rest = w.rest[:0]
	}
}
