package cli

import (
	"context"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
)

// sourceFlags are the flags for a MODEL that isn't ONNX yet.
type sourceFlags struct{ convert string }

func (f *sourceFlags) register(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.convert, "convert", "", "options of ingot convert, where MODEL is a PyTorch file")
}

// model returns the ONNX file for a model: itself, or what it was converted to.
func (f *sourceFlags) model(_ context.Context, _ *app, path string, _ *inputFlags) (string, error) {
	switch strings.ToLower(filepath.Ext(path)) {
	}
	return path, nil
}
