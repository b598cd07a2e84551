// Package exprgraph is a door between Ingot and Gorgonia: a model is a gorgonia.ExprGraph, and such graphs run on a machine that compiles
// them with Ingot's optimiser, planner and kernels.
//
//	g, err := exprgraph.Load("resnet50.onnx")
//	if err != nil { … }
//	vm := exprgraph.NewVM(g)
//	defer vm.Close()
//	err = exprgraph.Let(exprgraph.Input(g, "input"), pixels) // a *tensor.Dense, of whatever batch size
//	err = vm.RunAll()
//	probs := exprgraph.Output(g, "output").Value().Data().([]float32)
//
// # The graph
//
// The graph is the model as its file has it, before any optimisation. An input is a node without an operator; so is a weight, which has
// its value. Each operator of the file is a node whose Op is an [*Operator], named after the value that it computes, so
// that g.ByName finds it. An operator with several outputs is one node, followed by one for each output; an input that is left
// out is a node too. What computes an output of the model is named after its operator instead, since the output is a
// node of its own, to be found by [Output], that has the value after a run. If, Loop, Scan and calls of a model's functions are one
// node each; what bodies take from outside are operands after the operator's own.
//
// Nodes have Gorgonia's types where it has one, all of ONNX's element types among them: Dense tensors of half and 8-bit floats
// have the element types of package ingot/tensor. Nodes whose dimensions are all known have a shape, which Gorgonia's functions need;
// [ingot.WithDims] fixes open dimensions, so that g can be extended by any of them.
//
// The graph is what runs. Weights may be given other values or be written to (the file doesn't change), nodes rewired with
// gorgonia.WithChildren, removed, replaced, added. [NewVM] and [Compile] take the graph as it is then.
//
// # The other direction
//
// [Apply] puts a whole model as one operator into a graph of Gorgonia's, for Gorgonia's machines. Gradients stop there; what comes
// after can be trained. A loaded graph runs on gorgonia.NewTapeMachine too when all of its shapes are known, node after node and without
// any optimisation.
//
// # What to know about Gorgonia v0.9.18
//
//   - gorgonia.Let refuses a value of another shape than the node was built with, and panics on nodes of unknown rank. [Let] doesn't.
//   - Two nodes are the same to Gorgonia when 32 bits of a hash agree; operands don't count. Operators of this package have a number
//     each, so they are never merged. Weights aren't constants of Gorgonia's, which are merged by name.
//   - ExprGraph.From, To, Node and Edge may answer for another node after ExprGraph.RemoveNode: their index isn't updated. This package reads
//     operands from the nodes.
//   - ExprGraph.Roots remembers its first answer: nodes that are added later aren't in it. [Outputs] looks anew.
//   - Building a graph takes time in the square of its size, in Gorgonia's check of each edge; 8,000 nodes take about 0.1 s in all.
//   - TapeMachine and Node.Dims, Node.Dtype panic on nodes whose type isn't a tensor's: sequences, unknown ranks. Machines of this package
//     return errors.
//   - TapeMachine overwrites values in place where it thinks nobody looks. Results of this package's operators are memory of
//     their own, so nothing else is lost; copy what you keep from a TapeMachine before the next run.
//   - gorgonia.Set has no effect on a TapeMachine; here it is refused.
//   - Programs that link Gorgonia panic at start with a recent Go unless go4.org/unsafe/assume-no-moving-gc is new enough. This module
//     requires a version that is; a go.mod that requires it gets it too.
package exprgraph
