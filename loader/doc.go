// Package loader reads the ONNX file format.
//
// [Open] maps a file and gives a [Model]: the file as it says itself, checked for everything that can be checked without knowing what
// the operators mean. Nothing is optimised, inferred or renamed, with three exceptions: the domain "ai.onnx" becomes its
// other spelling "", nodes are put in topological order when the file has them otherwise, and sparse initializers stand among the
// dense ones.
//
//	m, err := loader.Open("resnet50.onnx")
//	if err != nil {
//		return err // a *loader.FormatError says which byte and which node
//	}
//	defer m.Close()
//	for _, in := range m.Graph.Inputs {
//		fmt.Println(in.Name, in.Type) // input float32[batch,3,224,224]
//	}
//
// The protobuf wire format is read directly, without generated code. Names are copied; the payloads of weights stay where they are, in
// the mapped file, and become tensors when [Initializer.Tensor] asks for them. So opening costs time and memory for the graph,
// not for the weights.
//
// Files are not trusted. Sizes are checked before memory is taken, nesting and node counts are bounded by [Limits], and external data
// can't lead out of the model's folder. What is wrong with a file is told by a [*FormatError].
//
// A mapped file must not be truncated while the model is open: the operating system answers an access past the new end with a
// signal that no Go program can turn into an error. [WithCopy] reads the file instead of mapping it.
package loader
