// Package dense turns gorgonia.org/tensor's *tensor.Dense into tensors of this module and back, without a copy where the bytes allow it.
package dense
