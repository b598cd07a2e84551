// Package onnxgo is Ingot as a backend of onnx-go (github.com/owulveryck/onnx-go): a program that uses onnx-go runs its models with
// Ingot by changing the line that makes the backend.
//
//	backend := onnxgo.NewBackend() // was gorgonnx.NewGraph()
//	model := onnx.NewModel(backend)
//	err := model.UnmarshalBinary(data)
//	…
//	model.SetInput(0, input)
//	err = backend.Run()
//	…
//	output, err := model.GetOutputTensors()
//
// onnx-go's decoder reads the file then, and the backend compiles the graph that it gets. What that decoder can't read, subgraphs, half precision and
// weights in other files for example, or what it leaves out and would matter, is run by changing one line more: [Backend.Unmarshal] reads the
// file in place of UnmarshalBinary.
//
//	err := backend.Unmarshal(model, data)
//
// Tensors go in and out as in package ingot/bridge/dense: without a copy as a rule.
//
// # What onnx-go's decoder leaves out
//
// Of version 0.5.0, and what the backend does about it:
//
//   - The versions of operators (opset_import): a model is refused if they matter to it, unless [WithOpset] tells. A Softmax over
//     anything but the last dimension is the usual case: up to opset 12 it took all dimensions from its axis on.
//   - The domain of an operator: it is looked up in ONNX's own, and in those that [WithDomain] tells. An operator of another domain that has the name of one
//     of ONNX's own is taken for that one: nothing shows the difference. So are calls of functions that the file defines.
//   - Names of nodes: errors name a node by its first output. Operators that draw random numbers without a seed draw others than in package ingot if
//     their node has a name.
//   - Named dimensions: [batch,3,224,224] arrives as [3,224,224]. So inputs of any dimensions are taken. The dimensions are those of the first value if
//     nothing was left out, and open otherwise, which costs no more than compiling again when they change.
//   - Which of the values that a file describes are its outputs: see [Node.GetTensor]. A value that is an output and an operand in a file that describes
//     values in between is computed by another run when it is asked for the first time.
//   - The names and outputs of what isn't a tensor, sparse weights, and the model's metadata.
//
// # Other defects of onnx-go that programs meet
//
//   - Model.SetInput(i) sets node i and not input i, which is another one where weights stand among a file's inputs. This backend's nodes 0, 1, 2… are the inputs.
//   - A file that declares a name twice, an input that is an output too, say, gives two nodes, of which only the last is connected. Here they share
//     their value.
//   - An operator that has one value as two operands loses one of them in a graph from gonum. Here edges count in the order of the calls.
//   - Weights of type bool in raw form, and declared dimensions below zero, make the decoder panic: [Backend.Unmarshal] doesn't use it for
//     that.
//   - A program that links onnx-go and Go code that protoc generated for package onnx, such as another ONNX library, panics when it starts, as both register
//     the same names of messages. Ingot has no such code: it reads the wire format itself.
package onnxgo
