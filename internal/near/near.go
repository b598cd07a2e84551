// Package near suggests what a mistyped name may have been meant to be.
package near

import "strings"

// most is how many names are listed when none is near.
const most = 10

// DidYouMean suggests the nearest of the known names, or lists them when none is near: `did you mean "input"?`, `it has "x", "y"`.
func DidYouMean(name string, known []string) string {
	best, least := "", len(name)/2+1
	for _, k := range known {
		if d := distance(strings.ToLower(name), strings.ToLower(k)); d < least {
			best, least = k, d
		}
	}
	switch {
	case best != "":
		return "did you mean \"" + best + "\"?"
	case len(known) == 0:
		return "it has none"
	}
	more := ""
	if len(known) > most {
		known, more = known[:most], ", …"
	}
	return "it has \"" + strings.Join(known, "\", \"") + "\"" + more
}

// distance is the edit distance of Levenshtein (1966).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diag := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diag, row[j+1] = row[j+1], min(diag+cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
