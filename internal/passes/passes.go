// Package passes is the optimiser: small rewrites of the graph, each in a file of its own that states its pattern and why it is sound.
//
// Passes run in the order of [All], each over every graph of the model, bodies included. Whatever they do, the outputs stay the same
// within the rounding that reordering float arithmetic brings.
package passes

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"ingot/internal/ir"
	"ingot/ops"
)

// Pass is one rewrite.
type Pass struct {
	Name string
	Why  string   // why it is sound, in a sentence
	Root []string // names of the operators at which Try is called; empty: all
	Try  func(p *Patch, n *ir.Node) bool
}

// Options say which passes run.
type Options struct {
	Ops      *ops.Set
	Disabled []string // names; "all" disables all. The environment variable INGOT_DISABLE_PASSES adds to them, separated by commas
}

// All lists the passes in the order in which they run.
var All = []*Pass{
	foldConstants, dropIdentities, mergeEqual,
	fuseHardSwish, fuseSwish, fuseGelu, fuseLayerNorm,
	fuseBatchNorm, fuseScale,
	channelsLast,
	fuseGemm, fuseMatMulBias, fuseResidual, fuseActivation,
	foldConstants, // what the others left between constants
}

// Names lists what may be disabled, "all" first.
func Names() []string {
	names := []string{"all"}
	for _, p := range All {
		if !slices.Contains(names, p.Name) {
			names = append(names, p.Name)
		}
	}
	return names
}

// UnknownError is about a name, of an option or the environment variable, that no pass has.
type UnknownError struct {
	Name  string
	Known []string // the names that there are
}

func (e *UnknownError) Error() string { return fmt.Sprintf("there is no optimiser pass %q", e.Name) }

// Run optimises a graph and its bodies.
func Run(g *ir.Graph, opts Options) error {
	disabled := slices.Concat(opts.Disabled, strings.FieldsFunc(os.Getenv("INGOT_DISABLE_PASSES"), func(r rune) bool { return r == ',' || r == ' ' }))
	for _, name := range disabled {
		if name != "all" && !slices.ContainsFunc(All, func(p *Pass) bool { return p.Name == name }) {
			return &UnknownError{name, Names()}
		}
	}
	if !slices.Contains(disabled, "all") {
		for _, p := range All {
			if !slices.Contains(disabled, p.Name) {
				apply(p, g, opts)
			}
		}
	}
	sweep(g)
	return nil
}

func apply(p *Pass, g *ir.Graph, opts Options) {
	patch := &Patch{Graph: g, opts: opts}
	for _, n := range slices.Clone(g.Nodes) {
		if n.Dead() || len(p.Root) > 0 && !slices.Contains(p.Root, n.Op.Name) {
			continue
		}
		patch.at = n
		p.Try(patch, n)
	}
	patch.finish()
	for _, n := range g.Nodes {
		for _, s := range n.Subs {
			apply(p, s.Graph, opts)
		}
	}
}

func sweep(g *ir.Graph) {
	g.Sweep()
	for _, n := range g.Nodes {
		for _, s := range n.Subs {
			sweep(s.Graph)
		}
	}
}
