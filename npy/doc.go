// Package npy reads and writes NumPy's files: .npy with one array, .npz (a zip archive) with several.
//
//	x, err := npy.ReadFile("input.npy")
//	err = npy.WriteFile("output.npy", y)
//
// Versions 1.0 to 3.0 of the format, both byte orders and Fortran order come in; what goes out is version 1.0, little-endian and in C order,
// byte for byte what numpy.save writes. Payloads are read straight into the tensor's buffer, so a file may be as large as memory.
// A header that promises more than the file holds is an error before much is allocated.
//
// Elements: NumPy's own numeric types, bool (any byte but 0 is true), complex, and text: <U becomes Go strings and |S becomes Go strings of the
// same bytes, both without the zeros that pad them. NumPy saves the types of ml_dtypes (bfloat16, float8, int4, …) as raw
// bytes, |V1 or |V2, and forgets which they were: reading them takes a hint, see [ReadAs]. Object arrays are pickles, which run code
// when read; they and structured types are refused.
package npy
