package feed

import (
	"strconv"
	"strings"

	"ingot/internal/safetensors"
	"ingot/npy"
	"ingot/tensor"
)

// Examples describes inputs in the form that ingot convert takes, NAME=DTYPE[SIZES] or NAME=NUMBER, as far as they say by themselves what they are:
// arrays in files, sized random numbers, single numbers. It returns nil when one of them doesn't.
func Examples(inputs []string) []string {
	var out []string
	for _, text := range inputs {
		name, value, ok := strings.Cut(text, "=")
		if !ok {
			return nil
		}
		e := example(name, value)
		if e == "" {
			return nil
		}
		out = append(out, name+"="+e)
	}
	return out
}

func example(name, value string) string {
	if path, ok := strings.CutPrefix(value, "@"); ok {
		return arrayType(name, path)
	}
	for _, word := range []string{"rand[", "zeros["} {
		if shape, ok := strings.CutPrefix(value, word); ok {
			return "float32[" + shape
		}
	}
	if _, err := strconv.ParseFloat(value, 64); err == nil {
		return value
	}
	return ""
}

// arrayType returns dtype and shape of an array, from its header alone where that is possible.
func arrayType(name, file string) string {
	path, key := splitKey(file)
	k, err := sniff(path)
	if err != nil {
		return ""
	}
	switch k {
	case npyFile:
		if t, err := npy.ReadFile(path); err == nil {
			return t.String()
		}
	case npzFile:
		z, err := npy.OpenNpz(path)
		if err != nil {
			return ""
		}
		defer z.Close()
		if chosen, missing := pick(name, key)(z.Names()); missing == nil {
			if h, err := z.Header(chosen); err == nil {
				return h.DType.String() + tensor.ShapeString(h.Shape)
			}
		}
	case safetensorsFile:
		f, err := safetensors.Open(path)
		if err != nil {
			return ""
		}
		defer f.Close()
		if chosen, missing := pick(name, key)(f.Names()); missing == nil {
			for _, info := range f.Infos() {
				if info.Name == chosen {
					return info.DType.String() + tensor.ShapeString(info.Shape)
				}
			}
		}
	}
	return ""
}
