package cli

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"ingot/internal/num"
	"ingot/tensor"
)

// meaning is what the metadata says about an output; docs/metadata.md describes it.
type meaning struct {
	Kind   string   `json:"kind"` // probabilities, logits or scores; "" when nothing says
	Axis   int      `json:"axis"`
	Labels []string `json:"labels"`
}

// class is one class of one row of an output.
type class struct {
	Output      string `json:"output"`
	Row         int    `json:"row"` // of the output, all axes but the classes' taken together
	Index       int    `json:"index"`
	Label       string `json:"label"`
	Probability number `json:"probability"`
}

// topDefault is how many classes are shown when nobody says; a classifier of digits shows all of them.
const topDefault = 10

// classifier finds the outputs that have classes, and what they are called.
type classifier struct {
	metadata map[string]string
	labels   []string // of --labels
	top      int      // of --top; 0: not given
	note     func(format string, args ...any)
}

// readLabels reads class names, one a line or a JSON list.
func readLabels(path string) ([]string, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	text := strings.TrimSpace(strings.TrimPrefix(string(b), "\ufeff"))
	if !utf8.ValidString(text) {
		return nil, &failure{code: ExitUsage, what: "labels are text, one a line, or a JSON list; this is neither", file: path}
	}
	var list []string
	if strings.HasPrefix(text, "[") {
		if err := json.Unmarshal([]byte(text), &list); err != nil {
			return nil, &failure{code: ExitUsage, what: "the labels aren't a JSON list of strings", file: path, err: err}
		}
		return list, nil
	}
	for _, line := range strings.Split(text, "\n") {
		if line = strings.TrimSpace(line); line != "" {
			list = append(list, line)
		}
	}
	if len(list) == 0 {
		return nil, &failure{code: ExitUsage, what: "there are no labels in it", file: path}
	}
	return list, nil
}

// meaningOf tells what an output means, nil when it has no classes as far as one knows.
func (c *classifier) meaningOf(v namedValue, only bool) (*meaning, error) {
	t, ok := v.value.(*tensor.Tensor)
	if !ok || !num.Numeric.Has(t.DType()) || t.Rank() == 0 || t.Len() == 0 {
		return nil, nil
	}
	m := &meaning{Axis: -1}
	text, described := c.metadata["ingot.output."+v.name]
	if described {
		if err := json.Unmarshal([]byte(text), m); err != nil {
			return nil, fmt.Errorf("the model's metadata %q isn't JSON: %w", "ingot.output."+v.name, err)
		}
	}
	if m.Axis < 0 {
		m.Axis += t.Rank()
	}
	if m.Axis < 0 || m.Axis >= t.Rank() {
		return nil, fmt.Errorf("the model's metadata %q names axis %d of %s", "ingot.output."+v.name, m.Axis, t)
	}
	if len(c.labels) > 0 {
		m.Labels = c.labels
	} else if len(m.Labels) == 0 {
		if all, ok := c.metadata["ingot.labels"]; ok {
			if err := json.Unmarshal([]byte(all), &m.Labels); err != nil {
				return nil, fmt.Errorf("the model's metadata \"ingot.labels\" isn't a JSON list: %w", err)
			}
		}
	}
	n := t.Dims()[m.Axis]
	asked := c.top > 0 || len(c.labels) > 0
	switch {
	case described && (len(m.Labels) > 0 || asked):
		return m, nil
	case asked && t.DType().IsFloat() && (only || len(m.Labels) == n):
		return m, nil
	}
	return nil, nil
}

// classify returns the classes of an output, row by row, the most probable first.
func (c *classifier) classify(v namedValue, m *meaning) ([][]class, error) {
	t, _ := v.value.(*tensor.Tensor)
	n := t.Dims()[m.Axis]
	if len(m.Labels) > 0 && len(m.Labels) != n {
		return nil, usage("there are %d labels, and output %q has %d classes", len(m.Labels), v.name, n)
	}
	inner := 1
	for _, d := range t.Dims()[m.Axis+1:] {
		inner *= d
	}
	all := make([]float64, t.Len())
	num.Load64(all, t, 0)
	rows := make([][]class, t.Len()/n)
	p := make([]float64, n)
	for r := range rows {
		base := r/inner*inner*n + r%inner
		for i := range p {
			p[i] = all[base+i*inner]
		}
		c.probabilities(v.name, p, m, r == 0)
		rows[r] = c.rank(v.name, r, p, m.Labels)
	}
	return rows, nil
}

// probabilities applies softmax to logits. What nobody describes is taken for logits when a number lies outside of 0…1.
func (c *classifier) probabilities(name string, p []float64, m *meaning, first bool) {
	if m.Kind == "" && first {
		m.Kind = "scores"
		if slices.ContainsFunc(p, func(v float64) bool { return v < 0 || v > 1 }) {
			m.Kind = "logits"
			c.note("output %q doesn't hold probabilities; they are its softmax", name)
		}
	}
	if m.Kind != "logits" {
		return
	}
	top := slices.Max(p)
	sum := 0.0
	for i, v := range p {
		p[i] = math.Exp(v - top)
		sum += p[i]
	}
	for i := range p {
		p[i] /= sum
	}
}

func (c *classifier) rank(output string, row int, p []float64, labels []string) []class {
	list := make([]class, len(p))
	for i, v := range p {
		list[i] = class{output, row, i, strconv.Itoa(i), number(v)}
		if len(labels) > 0 {
			list[i].Label = labels[i]
		}
	}
	slices.SortStableFunc(list, func(a, b class) int { return cmp.Compare(b.Probability, a.Probability) })
	top := c.top
	if top <= 0 {
		top = topDefault
	}
	return list[:min(top, len(list))]
}

// barWidth is the number of characters of a probability of 1.
const barWidth = 30

// bar draws a probability on an axis, so that one near 0 has a bar too: in eighths of a block where the terminal shows them.
func (s *stream) bar(p float64) string {
	if p = min(1, max(0, p)); math.IsNaN(p) {
		p = 0
	}
	if !s.utf8 {
		return "|" + strings.Repeat("#", int(math.Round(p*barWidth)))
	}
	eighths := int(math.Round(p * barWidth * 8))
	out := "│" + strings.Repeat("█", eighths/8)
	if r := eighths % 8; r > 0 {
		out += string(rune('█' + 8 - r)) // the eight blocks stand in a row, the full one first
	}
	return out
}

// printClasses prints LABEL PROBABILITY BAR, one a line.
func (a *app) printClasses(name string, rows [][]class, headings bool) {
	for r, row := range rows {
		switch {
		case len(rows) > 1:
			fmt.Fprintf(a.out, "%s, row %d\n", name, r)
		case headings:
			fmt.Fprintln(a.out, name)
		}
		width := 0
		for _, c := range row {
			width = max(width, utf8.RuneCountInString(c.Label))
		}
		for _, c := range row {
			p := float64(c.Probability)
			fmt.Fprintf(a.out, "%s%s  %.4f  %s\n", printable(c.Label), strings.Repeat(" ", width-utf8.RuneCountInString(c.Label)), p, a.out.bar(p))
		}
	}
}
