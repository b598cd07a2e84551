package runtime

import (
	"fmt"

	"ingot/internal/ir"
)

// ModelError says why a model can't be compiled although its file could be read.
type ModelError struct {
	File string
	Err  error
}

func (e *ModelError) Error() string {
	if e.File == "" {
		return e.Err.Error()
	}
	return e.File + ": " + e.Err.Error()
}

// Unwrap returns the cause.
func (e *ModelError) Unwrap() error { return e.Err }

// OpsetError says that a model uses operators of a newer version than any known. [Options.NewerOpset] tries it all the same.
type OpsetError struct {
	Domain  string
	Version int64 // that the model imports
	Newest  int64 // that is known
}

func (e *OpsetError) Error() string {
	return fmt.Sprintf("the model uses opset %d of domain %q; %d is the newest one known (an option lets newer ones be tried as that one)", e.Version, e.Domain, e.Newest)
}

// NodeError is an error about a node of the model.
type NodeError = ir.NodeError

// InputError is an error about what a Run was given.
type InputError struct {
	Name string // of the input
	Want string // type, with symbolic dimensions
	Got  string
	Msg  string // what is wrong, when Want and Got don't tell
}

func (e *InputError) Error() string {
	if e.Msg != "" {
		return fmt.Sprintf("input %q: %s", e.Name, e.Msg)
	}
	return fmt.Sprintf("input %q: the model takes %s, but got %s", e.Name, e.Want, e.Got)
}

// OutputError is an error about a buffer that a Run was given for an output.
type OutputError struct {
	Name string
	Want string
	Got  string
}

func (e *OutputError) Error() string {
	return fmt.Sprintf("output %q: the run computes %s, but the buffer is %s", e.Name, e.Want, e.Got)
}
