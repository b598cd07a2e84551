// Package ops says what an operator is.
//
// An operator is one declaration: a [Spec] with its name, the history of its versions, its attributes (the fields of a struct), inputs and
// outputs with their type constraints in the standard's own notation, one shape rule, and the function that computes it. [Def] turns it into an
// [Op]; everything else (registry, load-time checks, support table) is derived from it:
//
//	type gatherAttrs struct{ Axis int `onnx:",0"` }
//
//	var Gather = ops.Def(ops.Spec[gatherAttrs]{
//		Name: "Gather", In: "data:T, indices:Tind", Out: "output:T",
//		Types: "T=all4; Tind=int32|int64",
//		Vers:  []ops.Ver{{Since: 13}, {Since: 11, Types: "T=all"}, {Since: 1}},
//		Infer: func(c *ops.Infer, a *gatherAttrs) error { … },
//		Eval:  func(c *ops.Call, a *gatherAttrs) error { … },
//	})
//
// Infer is the only shape rule: it runs on symbols when a model is bound and on numbers when a run is planned. Eval is the simple way
// to compute; Bind is the prepared one, for operators that pack constants, choose an algorithm or must not allocate.
//
// Shape rules and kernels see the newest version's form only: a node of an older version is checked against that version and then rewritten,
// step by step, by [Ver.Up].
package ops

import "ingot/internal/sym"

// Dim is a dimension: a number or an expression over symbols.
type Dim = sym.Dim

// Type is what is known of a value.
type Type = sym.Type

// Num returns the dimension n.
func Num[T ~int | ~int64](n T) Dim { return sym.Num(n) }
