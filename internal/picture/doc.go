// Package picture turns a picture file into the tensor that a network wants, as the model's metadata describes it (docs/metadata.md):
//
//	spec, err := picture.ParseSpec(`{"kind":"image","color":"gray","size":[16,16]}`)
//	x, err := spec.Tensor(file, tensor.Float32, []int{-1, 1, 16, 16})
//
// Networks are trained on what Pillow makes of a picture, and some notice the difference, so this package computes the same: decoded JPEGs with their
// inverse cosine transform, enlarged chroma (also WebP's), JPEG 2000's wavelets, grey levels, the resampling filters with their fixed-point
// arithmetic, cropping and padding agree with Pillow 13, libjpeg-turbo, OpenJPEG and libwebp to the last bit. JPEG, JPEG 2000, PNG, GIF (the first
// frame), BMP, TIFF, WebP and Netpbm's formats are read; the orientation that a camera noted in a JPEG is applied.
package picture
