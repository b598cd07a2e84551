package near

import (
	"strings"
	"testing"
)

func TestDidYouMean(t *testing.T) {
	known := []string{"input", "state"}
	tests := []struct {
		name  string
		known []string
		want  string
	}{
		{"inptu", known, `did you mean "input"?`},
		{"Input", known, `did you mean "input"?`},
		{"stat", known, `did you mean "state"?`},
		{"zebra", known, `it has "input", "state"`},
		{"größe", []string{"große"}, `did you mean "große"?`},
		{"", known, `it has "input", "state"`},
		{"x", nil, "it has none"},
		{"zzzz", strings.Split("abcdefghijkl", ""), `it has "a", "b", "c", "d", "e", "f", "g", "h", "i", "j", …`},
	}
	for _, tt := range tests {
		if got := DidYouMean(tt.name, tt.known); got != tt.want {
			t.Errorf("%q of %q: %s, want %s", tt.name, tt.known, got, tt.want)
		}
	}
}
