// Package conv holds the convolutions and poolings of channels-last images.
//
// An image is a row of channels for each of its pixels, whatever the number of spatial dimensions. The main type is [Conv]: it cuts a
// convolution into tiles that may run in any order, on any goroutine, each with scratch of its own, like gemm.Matmul:
//
//	w, err := conv.Pack(shape, conv.Choose(shape, options), weights)
//	c := conv.Conv[float32]{Shape: shape, Weights: w, X: x, Y: y}
//	if err := c.Prepare(); err != nil { … }
//	scratch := make([]float32, c.ScratchLen())
//	for i := range c.Tiles() {
//		c.Tile(i, scratch)
//	}
//
// There are three ways to compute one, see [Choose]:
//
//   - a matrix product whose left operand, the patches of the images, is gathered on the fly ([Patches]); for a 1×1 kernel the image
//     itself is that operand, and narrow groups are merged;
//   - depthwise, where each channel has a filter of its own: sums over vectors of channels;
//   - Winograd's F(4×4, 3×3), which has a quarter of the multiplications.
//
// The choice and the order of every sum are a function of shapes, element type, tier and options. The package never starts a goroutine,
// and Tile allocates nothing.
package conv

//go:generate go run -C ../gen ./conv -pkg conv -out ../conv/conv_amd64.s -stubs ../conv/conv_amd64.go
