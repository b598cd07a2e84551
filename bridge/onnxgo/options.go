package onnxgo

import (
	"fmt"

	"ingot"
	"ingot/ops"
)

// Option changes what a backend makes of the graph that onnx-go's decoder gives it.
type Option func(*settings) error

type settings struct {
	opset   int64          // of ai.onnx; 0: not told
	domains []opset        // beside ai.onnx
	model   []ingot.Option // for compiling
}

type opset struct {
	domain  string
	version int64
}

// WithOpset tells the version of ONNX's own operators that the model imports ("ingot inspect" prints it), which onnx-go's decoder
// leaves out. Without it a model is run if it means the same in every version that allows it, and refused otherwise.
func WithOpset(version int64) Option { return WithDomain("", version) }

// WithDomain tells that the model imports operators of another domain, such as "ai.onnx.ml" or "com.microsoft", and their version. onnx-go's decoder
// leaves out the domains of nodes: an operator is looked up in ONNX's own domain and in those that were told. One that several of them have
// is refused.
func WithDomain(domain string, version int64) Option {
	return func(s *settings) error {
		if version < 1 {
			return fmt.Errorf("onnxgo: opset %d of the domain %q: versions start at 1", version, domain)
		}
		if domain = ops.NormalDomain(domain); domain == "" {
			s.opset = version
		} else {
			s.domains = append(s.domains, opset{domain, version})
		}
		return nil
	}
}

// WithOptions gives options for compiling the model: threads, memory, numerics, operators and others.
func WithOptions(opts ...ingot.Option) Option {
	return func(s *settings) error {
		s.model = append(s.model, opts...)
		return nil
	}
}
