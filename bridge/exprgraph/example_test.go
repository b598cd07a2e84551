package exprgraph_test

import (
	"context"
	"fmt"
	"log"
	"slices"

	"gorgonia.org/gorgonia"
	gt "gorgonia.org/tensor"

	"ingot"
	"ingot/bridge/exprgraph"
	"ingot/tensor"
)

// A model is a graph of Gorgonia's, and runs on a machine that compiles it with Ingot's kernels.
func Example() {
	g, err := exprgraph.Load("../../testdata/digits/digits.onnx")
	if err != nil {
		log.Fatal(err)
	}
	vm := exprgraph.NewVM(g)
	defer vm.Close()
	pixels := gt.New(gt.WithShape(1, 1, 16, 16), gt.WithBacking(make([]float32, 256))) // a black picture
	if err := exprgraph.Let(exprgraph.Input(g, "image"), pixels); err != nil {
		log.Fatal(err)
	}
	if err := vm.RunAll(); err != nil {
		log.Fatal(err)
	}
	probs := exprgraph.Output(g, "probabilities").Value()
	fmt.Println(probs.Shape(), "of", len(g.AllNodes()), "nodes")
	// Output: (1, 10) of 25 nodes
}

// Operators of Gorgonia's are added to the model's graph, and run on its machine with the rest. Gorgonia wants to know their shapes
// when they are made, so the batch size is fixed.
func Example_postProcessing() {
	g, err := exprgraph.Load("../../testdata/digits/digits.onnx", ingot.WithDims(map[string]int64{"batch": 2}))
	if err != nil {
		log.Fatal(err)
	}
	// The mean of the two pictures' probabilities, in percent.
	mean, err := gorgonia.Mean(exprgraph.Output(g, "probabilities"), 0)
	if err != nil {
		log.Fatal(err)
	}
	percent, err := gorgonia.Mul(mean, gorgonia.NewConstant(float32(100)))
	if err != nil {
		log.Fatal(err)
	}
	vm := exprgraph.NewVM(g)
	defer vm.Close()
	if err := exprgraph.Let(exprgraph.Input(g, "image"), tensor.Of(make([]float32, 512), 2, 1, 16, 16)); err != nil {
		log.Fatal(err)
	}
	if err := vm.RunAll(); err != nil {
		log.Fatal(err)
	}
	sum := float32(0)
	for _, p := range percent.Value().Data().([]float32) {
		sum += p
	}
	fmt.Printf("%v, in all %.1f%%\n", percent.Value().Shape(), sum)
	// Output: (10), in all 100.0%
}

// A whole model is one operator in a graph of Gorgonia's, between what prepares its input and what takes its output, and runs on
// Gorgonia's own machine.
func ExampleApply() {
	model, err := ingot.Load("../../testdata/digits/digits.onnx")
	if err != nil {
		log.Fatal(err)
	}
	defer model.Close()

	g := gorgonia.NewGraph()
	picture := gorgonia.NewTensor(g, gorgonia.Float32, 4, gorgonia.WithShape(1, 1, 16, 16), gorgonia.WithName("picture"))
	inverted, err := gorgonia.Sub(gorgonia.NewConstant(float32(1)), picture)
	if err != nil {
		log.Fatal(err)
	}
	outs, err := exprgraph.Apply(model, inverted)
	if err != nil {
		log.Fatal(err)
	}
	best, err := gorgonia.Max(outs[0])
	if err != nil {
		log.Fatal(err)
	}
	white := make([]float32, 256)
	for i := range white {
		white[i] = 1
	}
	if err := gorgonia.Let(picture, gt.New(gt.WithShape(1, 1, 16, 16), gt.WithBacking(white))); err != nil {
		log.Fatal(err)
	}
	vm := gorgonia.NewTapeMachine(g)
	defer vm.Close()
	if err := vm.RunAll(); err != nil {
		log.Fatal(err)
	}

	want, err := model.Run(context.Background(), ingot.Inputs{"image": tensor.Of(make([]float32, 256), 1, 1, 16, 16)})
	if err != nil {
		log.Fatal(err)
	}
	probs, err := tensor.Data[float32](want["probabilities"])
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(best.Value().Data().(float32) == slices.Max(probs))
	// Output: true
}

// A last layer is trained with Gorgonia's solver on features that the model computes: transfer learning. The model's own layers stay as they are.
func Example_training() {
	g, err := exprgraph.Load("../../testdata/digits/digits.onnx")
	if err != nil {
		log.Fatal(err)
	}
	// The model without its last layer: 64 features a picture.
	exprgraph.AddOutput(g.ByName("/Relu_3_output_0")[0], "features")
	g.RemoveNode(exprgraph.Output(g, "probabilities"))
	model, err := exprgraph.Compile(g)
	if err != nil {
		log.Fatal(err)
	}
	defer model.Close()

	// Two classes: pictures with a bright upper half, and pictures with a bright lower half.
	const n = 8
	pixels, labels := make([]float32, n*256), make([]float32, n*2)
	for i := range n {
		half := pixels[i*256+i%2*128:][:128]
		for k := range half {
			half[k] = float32(1+(i+k)%3) / 3
		}
		labels[2*i+i%2] = 1
	}
	train := gorgonia.NewGraph()
	pictures := gorgonia.NewTensor(train, gorgonia.Float32, 4, gorgonia.WithShape(n, 1, 16, 16), gorgonia.WithName("pictures"),
		gorgonia.WithValue(gt.New(gt.WithShape(n, 1, 16, 16), gt.WithBacking(pixels))))
	wanted := gorgonia.NewMatrix(train, gorgonia.Float32, gorgonia.WithShape(n, 2), gorgonia.WithName("wanted"),
		gorgonia.WithValue(gt.New(gt.WithShape(n, 2), gt.WithBacking(labels))))
	layer := gorgonia.NewMatrix(train, gorgonia.Float32, gorgonia.WithShape(64, 2), gorgonia.WithName("layer"), gorgonia.WithInit(gorgonia.Zeroes()))
	features, err := exprgraph.Apply(model, pictures)
	if err != nil {
		log.Fatal(err)
	}
	logits := gorgonia.Must(gorgonia.Mul(features[0], layer))
	miss := gorgonia.Must(gorgonia.Sub(logits, wanted))
	loss := gorgonia.Must(gorgonia.Mean(gorgonia.Must(gorgonia.Square(miss))))
	var lossValue gorgonia.Value
	gorgonia.Read(loss, &lossValue)
	if _, err := gorgonia.Grad(loss, layer); err != nil {
		log.Fatal(err)
	}
	vm := gorgonia.NewTapeMachine(train, gorgonia.BindDualValues(layer))
	defer vm.Close()
	solver := gorgonia.NewAdamSolver(gorgonia.WithLearnRate(0.01))
	first := float32(0)
	for step := range 200 {
		if err := vm.RunAll(); err != nil {
			log.Fatal(err)
		}
		if err := solver.Step([]gorgonia.ValueGrad{layer}); err != nil {
			log.Fatal(err)
		}
		if step == 0 {
			first = lossValue.Data().(float32)
		}
		vm.Reset()
	}
	last := lossValue.Data().(float32)
	fmt.Println("the loss fell below a hundredth:", last < first/100)
	// Output: the loss fell below a hundredth: true
}
