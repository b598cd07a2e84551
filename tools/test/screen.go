package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/term"
)

// screen shows the steps. On a terminal one line lives while a step runs: its
// name, the time so far and the last line of output. Elsewhere there is a line
// when a step begins, one every half minute, and one when it ends.
type screen struct {
	w       io.Writer
	live    func() int // width of the terminal; nil: no terminal
	colour  bool
	verbose bool // all output as it comes

	mu      sync.Mutex
	name    string
	start   time.Time
	last    string // the last line of output
	stop    chan struct{}
	stopped sync.WaitGroup
}

const (
	redraw    = 100 * time.Millisecond
	heartbeat = 30 * time.Second
)

func newScreen(w io.Writer, verbose bool) *screen {
	s := &screen{w: w, verbose: verbose}
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) || os.Getenv("TERM") == "dumb" {
		return s
	}
	s.colour = os.Getenv("NO_COLOR") == ""
	s.live = func() int {
		width, _, err := term.GetSize(int(f.Fd()))
		if err != nil || width < 20 {
			return 80
		}
		return width
	}
	return s
}

// begin starts a step; announce says whether it will run at all.
func (s *screen) begin(name string, announce bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.name, s.start, s.last = name, time.Now(), ""
	s.stop = make(chan struct{})
	if !announce {
		return
	}
	every := redraw
	if s.live == nil {
		fmt.Fprintf(s.w, "…     %s\n", name)
		every = heartbeat
	}
	s.stopped.Go(func() { s.animate(every, s.stop) })
}

func (s *screen) animate(every time.Duration, stop chan struct{}) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-stop:
			return
		case <-tick.C:
			s.mu.Lock()
			s.draw()
			s.mu.Unlock()
		}
	}
}

// draw shows how far the step is. The caller holds the lock.
func (s *screen) draw() {
	elapsed := time.Since(s.start).Round(time.Second)
	if s.live == nil {
		fmt.Fprintf(s.w, "      %s %v: %s\n", s.name, elapsed, s.last)
		return
	}
	text := fmt.Sprintf("…     %-12s %6v  %s", s.name, elapsed, s.last)
	fmt.Fprintf(s.w, "\r\x1b[K%s", cut(text, s.live()-1))
}

// line takes a line of output of the running step.
func (s *screen) line(text string) {
	text = plain(text)
	if text == "" {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last = text
	if s.verbose {
		s.wipe()
		fmt.Fprintf(s.w, "      %s\n", text)
	}
}

// end shows how the step went.
func (s *screen) end(r result, verbose bool) {
	s.mu.Lock()
	close(s.stop)
	s.mu.Unlock()
	s.stopped.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wipe()
	mark := s.green("ok    ")
	switch {
	case r.failed > 0:
		mark = s.red("FAIL  ")
	case r.passed == 0:
		mark = "skip  "
	}
	text := fmt.Sprintf("%s%-12s %6.1fs", mark, s.name, time.Since(s.start).Seconds())
	if r.passed+r.failed+r.skipped > 1 {
		text += "  " + r.counts.String()
	}
	notes := r.notes
	if len(notes) == 1 {
		text, notes = text+"  "+notes[0], nil
	}
	fmt.Fprintln(s.w, text)
	if verbose {
		notes = append(notes, r.details...)
	}
	for _, note := range notes {
		fmt.Fprintf(s.w, "      %s\n", note)
	}
}

// wipe removes the live line.
func (s *screen) wipe() {
	if s.live != nil {
		fmt.Fprint(s.w, "\r\x1b[K")
	}
}

func (s *screen) green(text string) string { return s.paint("32", text) }
func (s *screen) red(text string) string   { return s.paint("31", text) }

func (s *screen) paint(code, text string) string {
	if !s.colour {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

// plain is a line of output without what would move the cursor.
func plain(text string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		switch {
		case r == '\t':
			return ' '
		case unicode.IsControl(r):
			return -1
		}
		return r
	}, text))
}

// cut shortens text to n runes.
func cut(text string, n int) string {
	if n < 1 || utf8.RuneCountInString(text) <= n {
		return text
	}
	return string([]rune(text)[:n-1]) + "…"
}
