// Command roundtrip reads arrays and writes them again, for the tests that compare this module with NumPy. Each line of its input is
// "IN<tab>OUT<tab>DTYPE", the last of which may be empty; names that end in .npz are archives. For each it prints a line, "ok" and what it
// read, or "error" and why.
package main

import (
	"bufio"
	"fmt"
	"os"
	"strings"

	"ingot/npy"
	"ingot/tensor"
)

func main() {
	sc := bufio.NewScanner(os.Stdin)
	for sc.Scan() {
		f := strings.Split(sc.Text(), "\t")
		if len(f) != 3 {
			fmt.Printf("error want 3 fields, got %q\n", f)
			continue
		}
		what, err := roundTrip(f[0], f[1], f[2])
		if err != nil {
			fmt.Printf("error %v\n", err)
			continue
		}
		fmt.Printf("ok %s\n", what)
	}
}

func roundTrip(in, out, dtype string) (string, error) {
	hint := tensor.Invalid
	if dtype != "" {
		var err error
		if hint, err = tensor.ParseDType(dtype); err != nil {
			return "", err
		}
	}
	if !strings.HasSuffix(in, ".npz") {
		t, err := npy.ReadFileAs(in, hint)
		if err != nil {
			return "", err
		}
		return t.String(), npy.WriteFile(out, t)
	}
	arrays, err := npy.ReadNpz(in)
	if err != nil {
		return "", err
	}
	var what []string
	for _, a := range arrays {
		what = append(what, a.Name+"="+a.Tensor.String())
	}
	return strings.Join(what, " "), npy.WriteNpzFile(out, arrays)
}
