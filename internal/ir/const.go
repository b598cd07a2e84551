package ir

import (
	"sync"

	"ingot/tensor"
)

// Const is a constant of the model, with the packed forms that kernels made of it. It may be shared by graphs, plans and runs.
type Const struct {
	T *tensor.Tensor

	mu    sync.Mutex
	packs map[string]*pack
	bytes int
}

type pack struct {
	once sync.Once
	form any
	err  error
}

// Packed returns the form with the given key, made by f at the first call.
func (c *Const) Packed(key string, f func(t *tensor.Tensor) (any, int, error)) (any, error) {
	c.mu.Lock()
	if c.packs == nil {
		c.packs = map[string]*pack{}
	}
	p := c.packs[key]
	if p == nil {
		p = &pack{}
		c.packs[key] = p
	}
	c.mu.Unlock()
	p.once.Do(func() {
		var n int
		p.form, n, p.err = f(c.T)
		c.mu.Lock()
		c.bytes += n
		c.mu.Unlock()
	})
	return p.form, p.err
}

// PackedBytes returns what the packed forms take.
func (c *Const) PackedBytes() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.bytes
}
