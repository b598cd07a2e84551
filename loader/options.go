package loader

import "io/fs"

// Limits bound what a file may ask for. A zero field stands for its default.
type Limits struct {
	Nodes      int   // nodes in all graphs together, counting each function's as often as it is called; default 1048576
	Depth      int   // levels of subgraphs in subgraphs, and of types in types; default 64
	FileBytes  int64 // size of a model's file that is read into memory rather than mapped; default 16 GiB
	DenseBytes int64 // dense form of a sparse tensor, which may be far larger than the file; default 1 GiB

	lazyExternal bool
}

func (l Limits) withDefaults() Limits {
	set := func(v *int64, def int64) {
		if *v <= 0 {
			*v = def
		}
	}
	if l.Nodes <= 0 {
		l.Nodes = 1 << 20
	}
	l.Nodes = min(l.Nodes, 1<<29) // sums of two don't overflow
	if l.Depth <= 0 {
		l.Depth = 64
	}
	set(&l.FileBytes, 16<<30)
	set(&l.DenseBytes, 1<<30)
	return l
}

// Option changes how a model is loaded.
type Option func(*options)

type options struct {
	lim      Limits
	copy     bool
	private  bool
	lazy     bool
	external fs.FS
	dataRoot string
}

func newOptions(opts []Option) *options {
	o := &options{}
	for _, f := range opts {
		f(o)
	}
	o.lim = o.lim.withDefaults()
	o.lim.lazyExternal = o.lazy
	return o
}

// WithCopy reads files into memory instead of mapping them, so that nothing that happens to the files later matters. With [Parse] it
// copies the bytes, which the caller may then change.
func WithCopy() Option { return func(o *options) { o.copy = true } }

// WithPrivate lets tensors be written to: what is written changes the model in memory, never the files. With [Parse] it copies the bytes.
func WithPrivate() Option { return func(o *options) { o.private = true } }

// WithLimits sets the limits for files that aren't trusted.
func WithLimits(l Limits) Option { return func(o *options) { o.lim = l } }

// WithLazyExternal leaves external data alone until a tensor is asked for. Missing files are then found late; a model
// can be looked at without its weights. Tensors in attributes are read at once all the same.
func WithLazyExternal() Option { return func(o *options) { o.lazy = true } }

// WithExternalFS looks up external data in fsys, whose root stands for the model's folder. [Parse] knows no folder by itself.
func WithExternalFS(fsys fs.FS) Option { return func(o *options) { o.external = fsys } }

// WithDataRoot lets external data come from anywhere in the folder dir, which must contain the model's. Some download caches keep files as links to
// another folder of the cache; without this option such links lead outside and are refused.
func WithDataRoot(dir string) Option { return func(o *options) { o.dataRoot = dir } }
