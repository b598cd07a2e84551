// Package text holds the operators on strings. It needs the tables of Unicode's case rules by locale, so it isn't in the default set:
//
//	import _ "ingot/ops/text"
//
// adds its operators to those that every model gets.
package text

import "ingot/ops"

// Ops are the operators of this family.
var Ops ops.Family

func init() { ops.RegisterDefaults(Ops) }

// perTile is the number of strings that a worker takes at a time.
const perTile = 256
