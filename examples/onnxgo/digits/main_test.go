package main

import (
	"fmt"
	"strings"
	"testing"
)

func TestDigits(t *testing.T) {
	for digit, name := range []string{"zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"} {
		var out strings.Builder
		if err := run("../../../testdata/digits/digits.onnx", "../../../testdata/digits/"+name+".png", &out); err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(out.String(), fmt.Sprintf("%d / ", digit)) {
			t.Errorf("%s.png: %s", name, out.String())
		}
	}
	for _, args := range [][2]string{
		{"missing.onnx", "../../../testdata/digits/one.png"}, {"main.go", "../../../testdata/digits/one.png"},
		{"../../../testdata/digits/digits.onnx", "missing.png"}, {"../../../testdata/digits/digits.onnx", "main.go"},
	} {
		if err := run(args[0], args[1], &strings.Builder{}); err == nil {
			t.Errorf("%s on %s runs", args[0], args[1])
		}
	}
}
