package ingot

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"ingot/internal/config"
	"ingot/loader"
	"ingot/ops"
	"ingot/runtime"
)

// Option changes how a model is loaded.
type Option func(*config.Config) error

// WithThreads sets how many goroutines work for one Run, the caller's included. The default, and what 0 means, is GOMAXPROCS. The results
// are the same to the last bit whatever the number.
func WithThreads(n int) Option {
	return func(c *config.Config) error {
		if n < 0 {
			return fmt.Errorf("WithThreads(%d): a number of threads can't be negative", n)
		}
		c.Run.Threads = n
		return nil
	}
}

// WithDims fixes symbolic dimensions of the inputs, which lets more be computed when the model is loaded.
func WithDims(dims map[string]int64) Option {
	return func(c *config.Config) error {
		for name, n := range dims {
			if n < 0 {
				return fmt.Errorf("WithDims: %s=%d is negative", name, n)
			}
		}
		c.Run.Dims = maps.Clone(dims)
		return nil
	}
}

// WithOutputs computes the named outputs only, and nothing that they don't need.
func WithOutputs(names ...string) Option {
	return func(c *config.Config) error {
		c.Run.Outputs = slices.Clone(names)
		return nil
	}
}

// WithOverridable lets a run supply the named initializers, which stand among the model's inputs too. Without it they are constants.
func WithOverridable(names ...string) Option {
	return func(c *config.Config) error {
		c.Run.Overridable = append(c.Run.Overridable, names...)
		return nil
	}
}

// WithMemoryLimit bounds the bytes that one Run may allocate for intermediate values and outputs. A Run that needs more fails.
func WithMemoryLimit(bytes int64) Option {
	return func(c *config.Config) error {
		if bytes <= 0 {
			return fmt.Errorf("WithMemoryLimit(%d): a limit must be positive", bytes)
		}
		c.Run.MemoryLimit = bytes
		return nil
	}
}

// Logger takes warnings: a message, then keys and values. A *slog.Logger is one; package log/slog itself isn't imported, since it is a quarter of
// what a small program weighs.
type Logger = runtime.Logger

// WithLogger has warnings about the model logged.
func WithLogger(l Logger) Option {
	return func(c *config.Config) error {
		c.Run.Logger = l
		return nil
	}
}

// WithOperators adds operators, or replaces those of the same name, for this model.
func WithOperators(list ...*ops.Op) Option {
	return func(c *config.Config) error {
		c.Extra = append(c.Extra, list...)
		return nil
	}
}

// WithoutPasses leaves out optimiser passes by name; "all" leaves out all of them.
func WithoutPasses(names ...string) Option {
	return func(c *config.Config) error {
		if len(names) == 0 {
			return errors.New("WithoutPasses(): names no pass; \"all\" stands for all of them")
		}
		c.Run.DisablePasses = append(c.Run.DisablePasses, names...)
		return nil
	}
}

// WithNewerOpset tries a model whose opset is newer than any known, with the meaning of the newest known one.
func WithNewerOpset() Option {
	return func(c *config.Config) error {
		c.Run.NewerOpset = true
		return nil
	}
}

// Numerics says how much accuracy may be given for speed.
type Numerics uint8

const (
	// Fast allows what stays within the rounding of float32 arithmetic: Winograd convolution, say. The default.
	Fast Numerics = iota
	// Strict allows no algorithm whose error bound is worse than the plain one's.
	Strict
)

// WithNumerics chooses between speed and accuracy.
func WithNumerics(n Numerics) Option {
	return func(c *config.Config) error {
		c.Run.Strict = n == Strict
		return nil
	}
}

// WithCopy reads the file into memory instead of mapping it, for files that may be truncated or overwritten while the model is in use.
func WithCopy() Option {
	return func(c *config.Config) error {
		c.Loader = append(c.Loader, loader.WithCopy())
		return nil
	}
}

// Event is one execution of a node.
type Event = runtime.Event

// WithProfile calls f after each node of each run, from the run's goroutine.
func WithProfile(f func(Event)) Option {
	return func(c *config.Config) error {
		c.Run.Profile = f
		return nil
	}
}
