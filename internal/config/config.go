// Package config is what the options for loading a model add up to. The root package and the bridges share it: an option is a
// function that the user of either passes along unseen.
package config

import (
	"ingot/loader"
	"ingot/ops"
	"ingot/ops/standard"
	"ingot/runtime"
)

// Config says how a model is opened and compiled.
type Config struct {
	Run    runtime.Options // Ops is set by New
	Loader []loader.Option
	Extra  []*ops.Op // operators beside the default set, or instead of some of it
}

// New applies the options.
func New[O ~func(*Config) error](opts []O) (*Config, error) {
	c := &Config{}
	for _, o := range opts {
		if err := o(c); err != nil {
			return nil, err
		}
	}
	set, err := standard.Set()
	if err == nil && len(c.Extra) > 0 {
		set, err = set.With(c.Extra...)
	}
	c.Run.Ops = set
	return c, err
}
