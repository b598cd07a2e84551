package cli

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"ingot/cmd/ingot/internal/feed"
	"ingot/internal/userdir"
)

// sourceFlags are the flags for a MODEL that isn't ONNX yet.
type sourceFlags struct {
	pythonFlags
	convert string
}

func (f *sourceFlags) register(cmd *cobra.Command) {
	s := cmd.Flags()
	s.StringVar(&f.convert, "convert", "", "`options` of ingot convert, where MODEL is a PyTorch file: --convert '--factory net.py:build'")
	s.StringVar(&f.python, "python", "", "the Python `interpreter` to convert a PyTorch file with")
}

// torchSuffixes end the names of PyTorch's files.
var torchSuffixes = []string{".pt", ".pth", ".pt2", ".ts", ".th", ".ckpt", ".safetensors", ".bin", ".pkl"}

// model returns the ONNX file for a model: itself, or what it is converted to, which is kept in the user's cache folder under the hash of the
// file, the tool and the options. in, if not nil, are the inputs of the run: where the file doesn't say which inputs the network
// takes, they are the example.
func (f *sourceFlags) model(ctx context.Context, a *app, path string, in *inputFlags) (string, error) {
	if !slices.Contains(torchSuffixes, strings.ToLower(filepath.Ext(path))) {
		if f.convert != "" {
			return "", usage("--convert is for PyTorch files, which %s isn't by its name", path)
		}
		return path, nil
	}
	options, err := splitWords(f.convert)
	if err != nil {
		return "", err
	}
	tool, err := extractTool()
	if err != nil {
		return "", err
	}
	out, err := f.cached(ctx, a, path, tool, options)
	var refused *failure
	if in == nil || !errors.As(err, &refused) || refused.code != ExitUsage || !refused.fromTool {
		return out, err
	}
	example := feed.Examples(in.inputs)
	if len(example) == 0 || slices.ContainsFunc(options, func(o string) bool { return strings.HasPrefix(o, "-i") || strings.HasPrefix(o, "--input") }) {
		return out, err
	}
	a.detail("%s; the inputs of this run are taken as the example", firstLine(refused.what))
	for _, e := range example {
		options = append(options, "--input="+e)
	}
	return f.cached(ctx, a, path, tool, options)
}

// cached converts the file unless that was done before.
func (f *sourceFlags) cached(ctx context.Context, a *app, path, tool string, options []string) (string, error) {
	key, err := hashFile(path, append([]string{filepath.Base(tool)}, options...))
	if err != nil {
		return "", err
	}
	dir, err := userdir.Cache("models", key)
	if err != nil {
		return "", err
	}
	name := strings.TrimSuffix(filepath.Base(path), filepath.Ext(path)) + ".onnx"
	out := filepath.Join(dir, name)
	if exists(out) {
		a.detail("%s was converted before: %s", path, out)
		return out, nil
	}
	c, err := f.findConverter(ctx, a)
	if err != nil {
		return "", err
	}
	a.note("converting %s to ONNX, once", path)
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return "", writing(err)
	}
	temp, err := os.MkdirTemp(filepath.Dir(dir), ".new-")
	if err != nil {
		return "", writing(err)
	}
	defer os.RemoveAll(temp)
	var table bytes.Buffer
	if err := a.runConverter(ctx, c, append([]string{path, "-o", filepath.Join(temp, name)}, options...), &table); err != nil {
		return "", err
	}
	a.detail("%s", strings.TrimRight(table.String(), "\n"))
	if err := os.Rename(temp, dir); err != nil && !exists(out) {
		return "", writing(err)
	}
	a.note("kept it in %s", out)
	return out, nil
}

// hashFile hashes a file's content together with what else its conversion depends on.
func hashFile(path string, more []string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer file.Close()
	h := sha256.New()
	for _, s := range more {
		fmt.Fprintf(h, "%d %s\n", len(s), s)
	}
	if _, err := io.Copy(h, file); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil))[:32], nil
}

// splitWords splits options at spaces, but not inside quotes.
func splitWords(text string) ([]string, error) {
	var words []string
	var word strings.Builder
	quote, inside := rune(0), false
	for _, r := range text {
		switch {
		case quote != 0 && r == quote:
			quote = 0
		case quote != 0:
			word.WriteRune(r)
		case r == '\'' || r == '"':
			quote, inside = r, true
		case r == ' ' || r == '\t' || r == '\n':
			if inside {
				words = append(words, word.String())
			}
			word.Reset()
			inside = false
		default:
			word.WriteRune(r)
			inside = true
		}
	}
	if quote != 0 {
		return nil, usage("--convert %s: a quote isn't closed", text)
	}
	if inside {
		words = append(words, word.String())
	}
	return words, nil
}
