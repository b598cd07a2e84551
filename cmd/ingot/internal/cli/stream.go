package cli

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"golang.org/x/term"
)

// stream is an output with what is known of the terminal behind it.
type stream struct {
	w        io.Writer
	terminal bool
	colour   bool
	utf8     bool // the terminal shows block characters
	size     func() int
	writeErr error // the first error; what comes after it is dropped
}

func newStream(w io.Writer, env func(string) string) *stream {
	s := &stream{w: w, size: func() int { return 80 }}
	if f, ok := w.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		s.terminal = true
		s.size = func() int {
			if n, _, err := term.GetSize(int(f.Fd())); err == nil && n >= 20 {
				return n
			}
			return 80
		}
	}
	locale := env("LC_ALL") + env("LC_CTYPE") + env("LANG")
	if all := env("LC_ALL"); all != "" {
		locale = all
	}
	locale = strings.ToUpper(strings.ReplaceAll(locale, "-", ""))
	s.utf8 = s.terminal && strings.Contains(locale, "UTF8")
	force := env("CLICOLOR_FORCE")
	switch {
	case env("NO_COLOR") != "":
	case force != "" && force != "0":
		s.colour = true
	default:
		s.colour = s.terminal && env("TERM") != "dumb" && env("CLICOLOR") != "0"
	}
	return s
}

// Write writes and remembers the first error.
func (s *stream) Write(p []byte) (int, error) {
	if s.writeErr != nil {
		return 0, s.writeErr
	}
	n, err := s.w.Write(p)
	s.writeErr = err
	return n, err
}

const (
	red   = "31"
	green = "32"
	bold  = "1"
)

func (s *stream) paint(code, text string) string {
	if !s.colour {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

// liveLine is one line on a terminal that shows how far a long command is. Elsewhere it shows nothing.
type liveLine struct {
	s     *stream
	off   bool
	start time.Time
	mu    sync.Mutex
	drawn time.Time
	there bool
}

const (
	liveAfter = 500 * time.Millisecond // short commands show none
	liveEvery = 100 * time.Millisecond
)

func newLiveLine(s *stream) *liveLine { return &liveLine{s: s, start: time.Now()} }

func (l *liveLine) set(format string, args ...any) {
	if !l.s.terminal || l.off {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	if now.Sub(l.start) < liveAfter || now.Sub(l.drawn) < liveEvery {
		return
	}
	l.drawn, l.there = now, true
	fmt.Fprint(l.s, "\r\x1b[K"+cutText(fmt.Sprintf(format, args...), l.s.size()-1))
}

// wipe removes the line, before something else is written.
func (l *liveLine) wipe() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.there {
		fmt.Fprint(l.s, "\r\x1b[K")
		l.there = false
	}
}

// cutText shortens text to n runes.
func cutText(text string, n int) string {
	if n < 1 || utf8.RuneCountInString(text) <= n {
		return text
	}
	return string([]rune(text)[:n-1]) + "…"
}

// setLog makes the logger for messages on standard error.
func (a *app) setLog() {
	a.live.off = a.quiet || a.logFormat == "json"
	level := slog.LevelInfo
	if a.quiet {
		level = slog.LevelError
	}
	if a.logFormat == "json" {
		a.log = slog.New(slog.NewJSONHandler(a.err, &slog.HandlerOptions{Level: level}))
		return
	}
	a.log = slog.New(&plainHandler{app: a, level: level})
}

// plainHandler writes log records as people write: "warning: message (key value)".
type plainHandler struct {
	app   *app
	level slog.Level
	attrs []slog.Attr
}

// Enabled reports whether records of a level are shown.
func (h *plainHandler) Enabled(_ context.Context, l slog.Level) bool { return l >= h.level }

// Handle writes one record.
func (h *plainHandler) Handle(_ context.Context, r slog.Record) error {
	var sb strings.Builder
	switch {
	case r.Level >= slog.LevelError:
		sb.WriteString(h.app.err.paint(red, "error:") + " ")
	case r.Level >= slog.LevelWarn:
		sb.WriteString(h.app.err.paint(bold, "warning:") + " ")
	}
	sb.WriteString(printable(r.Message))
	var more []string
	add := func(a slog.Attr) bool {
		more = append(more, printable(a.Key+" "+a.Value.String()))
		return true
	}
	for _, a := range h.attrs {
		add(a)
	}
	r.Attrs(add)
	if len(more) > 0 {
		sb.WriteString(" (" + strings.Join(more, ", ") + ")")
	}
	h.app.live.wipe()
	_, err := fmt.Fprintln(h.app.err, sb.String())
	return err
}

// WithAttrs returns a handler that adds attributes to each record.
func (h *plainHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	c := *h
	c.attrs = append(c.attrs[:len(c.attrs):len(c.attrs)], attrs...)
	return &c
}

// WithGroup ignores groups: messages for people have none.
func (h *plainHandler) WithGroup(string) slog.Handler { return h }
