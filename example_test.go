package ingot_test

import (
	"context"
	"embed"
	"fmt"
	"image/png"
	"log"
	"os"
	"sync"
	"time"

	"ingot"
	"ingot/tensor"
)

const digits = "testdata/digits/digits.onnx"

func Example() {
	model, err := ingot.Load(digits)
	if err != nil {
		log.Fatal(err)
	}
	defer model.Close()
	pixels := make([]float32, 16*16) // a black picture
	out, err := model.Run(context.Background(), ingot.Inputs{"image": tensor.Of(pixels, 1, 1, 16, 16)})
	if err != nil {
		log.Fatal(err)
	}
	probs, err := tensor.Data[float32](out["probabilities"])
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(probs), "classes")
	// Output: 10 classes
}

func ExampleModel_Inputs() {
	model, err := ingot.Load(digits)
	if err != nil {
		log.Fatal(err)
	}
	for _, in := range model.Inputs() {
		fmt.Println(in.Name, in)
	}
	// Output: image float32[batch,1,16,16]
}

func ExampleLoadBytes() {
	b, err := os.ReadFile(digits)
	if err != nil {
		log.Fatal(err)
	}
	model, err := ingot.LoadBytes(b)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(model.Outputs()[0].Name)
	// Output: probabilities
}

//go:embed testdata/digits/digits.onnx
var files embed.FS

func ExampleLoadFS() {
	model, err := ingot.LoadFS(files, digits)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(model.Outputs()[0].Name)
	// Output: probabilities
}

// A picture classifier: decode, scale down, run, take the best class.
func Example_classifier() {
	model, err := ingot.Load(digits)
	if err != nil {
		log.Fatal(err)
	}
	f, err := os.Open("testdata/digits/seven.png")
	if err != nil {
		log.Fatal(err)
	}
	defer f.Close()
	img, err := png.Decode(f)
	if err != nil {
		log.Fatal(err)
	}
	x, step := make([]float32, 16*16), img.Bounds().Dx()/16
	for i := range x { // the mean of each square of pixels
		for k := range step * step {
			r, _, _, _ := img.At(i%16*step+k%step, i/16*step+k/step).RGBA()
			x[i] += float32(r) / 65535 / float32(step*step)
		}
	}
	out, err := model.Run(context.Background(), ingot.Inputs{"image": tensor.Of(x, 1, 1, 16, 16)})
	if err != nil {
		log.Fatal(err)
	}
	probs, best := tensor.View[float32](out["probabilities"]), 0
	for class, v := range probs {
		if v > probs[best] {
			best = class
		}
	}
	fmt.Println("it is a", best)
	// Output: it is a 7
}

// A state and buffers that are used again make a loop of runs that allocates nothing.
func ExampleState_RunInto() {
	model, err := ingot.Load(digits, ingot.WithThreads(1))
	if err != nil {
		log.Fatal(err)
	}
	in := ingot.Inputs{"image": tensor.Of(make([]float32, 16*16), 1, 1, 16, 16)}
	probs := make([]float32, 10)
	out := ingot.Outputs{"probabilities": tensor.Of(probs, 1, 10)}
	state := model.NewState()
	for range 3 {
		if err := state.RunInto(context.Background(), in, out); err != nil {
			log.Fatal(err)
		}
	}
	fmt.Println(probs[0] != 0)
	// Output: true
}

// One model serves any number of goroutines. They share its weights and nothing else.
func ExampleModel_Run_concurrent() {
	model, err := ingot.Load(digits)
	if err != nil {
		log.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			x := tensor.Of(make([]float32, 16*16), 1, 1, 16, 16)
			if _, err := model.Run(context.Background(), ingot.Inputs{"image": x}); err != nil {
				log.Fatal(err)
			}
		})
	}
	wg.Wait()
	fmt.Println("done")
	// Output: done
}

// A run ends soon after its context does.
func ExampleModel_Run_cancel() {
	model, err := ingot.Load(digits)
	if err != nil {
		log.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Nanosecond)
	defer cancel()
	time.Sleep(time.Millisecond)
	x := tensor.Of(make([]float32, 16*16), 1, 1, 16, 16)
	_, err = model.Run(ctx, ingot.Inputs{"image": x})
	fmt.Println(err)
	// Output: context deadline exceeded
}
