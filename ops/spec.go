package ops

import (
	"fmt"
	"reflect"
	"strings"
	"unsafe"

	"ingot/tensor"
)

// Spec declares an operator. A is the struct of its attributes, see [Def]. Fields that aren't needed stay empty.
type Spec[A any] struct {
	Name   string
	Domain string // "" is ai.onnx
	In     string // inputs of the newest version: "X:T, W:T, B:T?, xs:T*"; see parseParams
	Out    string // outputs, likewise
	Types  string // type constraints of the newest version: "T=floats4; Tind=int32|int64"
	Vers   []Ver  // the history, newest first; at least the newest version's number

	Infer   func(c *Infer, a *A) error                               // types and shapes of the outputs
	Eval    func(c *Call, a *A) error                                // computes; either this
	Bind    func(b *Bind, a *A) (Kernel, error)                      // or this, prepared once for concrete types
	Expand  func(x *Expansion, a *A) error                           // instead of the three: the node is a small graph of other operators
	InPlace [][2]int8                                                // {o, i}: output o may overwrite input i when that has the same size and dies here
	View    func(c *Infer, a *A, o int) (input, offset int, ok bool) // output o is the bytes of an input from offset on: no computation
	Layout  Layout                                                   // how the operator behaves when its data is channels-last
	Flags   Flags
}

// Ver is a version of an operator, in a history that stands newest first. Empty fields are as in the next newer version.
type Ver struct {
	Since int                    // the opset version that introduced it
	Extra bool                   // not in the standard: files have it nevertheless
	In    string                 // replaces the inputs
	Out   string                 // replaces the outputs
	Types string                 // replaces the named type variables: "T=floats; B=bool"
	Attrs string                 // changes: "+axes:ints" it had, "-axis" it lacked, "axis:int=1" had another default
	Up    func(r *Rewrite) error // rewrites a node of this version to the next newer one; nil: the same meaning
	Old   *Op                    // a whole operator, where the meaning really differed; nodes of this version and older use its newest form
}

// Flags are properties of an operator that the optimiser and the planner need to know.
type Flags uint8

const (
	// Random operators give other results with each node: never folded, never merged.
	Random Flags = 1 << iota
	// Escapes marks outputs that outlive the run's arena: elements of sequences, loop state.
	Escapes
	// NoFold keeps constant folding away although the operator is pure: its result is much larger than its inputs, say.
	NoFold
)

// LayoutKind says what the layout pass may do with an operator.
type LayoutKind uint8

const (
	// Opaque operators want their data as the model has it. The zero value.
	Opaque LayoutKind = iota
	// Agnostic operators treat each element alike, whatever the order of dimensions.
	Agnostic
	// Spatial operators have a channels-last twin.
	Spatial
	// AxisAttr operators work along an axis attribute that can be renumbered.
	AxisAttr
)

// Layout is a LayoutKind, and for Spatial the twin's name in the domain "ingot".
type Layout struct {
	Kind LayoutKind
	Twin string
}

// Internal is the domain of operators that passes introduce. A file that uses it is refused.
const Internal = "ingot"

// Op is a declared operator. Make one with [Def].
type Op struct {
	Name     string
	Domain   string
	Versions []*Version // newest first
	Flags    Flags
	Layout   Layout
	InPlace  [][2]int8

	spec  *Spec[someAttrs]
	ptr   reflect.Type // pointer to the attribute struct
	attrs *attrStruct
	err   error
}

// Version is the schema of an operator from one opset version on.
type Version struct {
	Since int
	Extra bool // not in the standard
	In    []Param
	Out   []Param
	Types map[string]TypeSet
	Attrs []AttrSchema
	Up    func(r *Rewrite) error
	Old   *Op
}

// Def makes an operator from its declaration. A mistake in a declaration is found by [Op.Err], which [NewSet] checks.
//
// The exported fields of A are the attributes, named in snake case or by the tag, with the default after a comma:
//
//	Alpha float32  `onnx:",0.01"`          // alpha, default 0.01
//	Axes  []int                            // axes, nil when absent
//	To    tensor.DType `onnx:",required"`
//	Limit *float32                         // nil when absent
//	Epi   Epilogue `onnx:"-"`              // not an attribute: set by passes
func Def[A any](s Spec[A]) *Op {
	// The compiler makes a copy of this function for each attribute struct, and describes each type that is allocated. To keep that small, all
	// else works on a Spec of one type: whatever A is, functions that take an *A are called alike.
	return def(*(*Spec[someAttrs])(unsafe.Pointer(&s)), reflect.TypeFor[*A]())
}

// someAttrs stands for an attribute struct of any type.
type someAttrs struct{}

// def makes an operator whose attributes are of type ptr, a pointer to a struct.
func def(s Spec[someAttrs], ptr reflect.Type) *Op {
	op := &Op{Name: s.Name, Domain: s.Domain, Flags: s.Flags, Layout: s.Layout, InPlace: s.InPlace, spec: &s, ptr: ptr}
	var err error
	if op.attrs, err = parseAttrStruct(ptr.Elem()); err == nil {
		err = op.history(s.In, s.Out, s.Types, s.Vers)
	}
	switch {
	case err != nil:
		op.err = fmt.Errorf("%s: %w", op, err)
	case s.Expand != nil:
		if s.Infer != nil || s.Eval != nil || s.Bind != nil {
			op.err = fmt.Errorf("%s: either Expand, or a shape rule with Eval or Bind", op)
		}
	case s.Infer == nil:
		op.err = fmt.Errorf("%s: no shape rule", op)
	case (s.Eval == nil) == (s.Bind == nil):
		op.err = fmt.Errorf("%s: either Eval or Bind", op)
	}
	return op
}

// some checks that a points to the operator's attribute struct.
func (op *Op) some(a any) (*someAttrs, error) {
	if reflect.TypeOf(a) != op.ptr {
		return nil, fmt.Errorf("%s: its attributes are %s, not %T", op, op.ptr, a)
	}
	return (*someAttrs)(reflect.ValueOf(a).UnsafePointer()), nil
}

// evalKernel is a kernel that needs no preparation.
type evalKernel func(c *Call) error

// Run computes.
func (f evalKernel) Run(c *Call) error { return f(c) }

func (op *Op) history(in, out, types string, vers []Ver) error {
	if len(vers) == 0 {
		return fmt.Errorf("no version")
	}
	var prev *Version
	for i, v := range vers {
		if i == 0 {
			v.In, v.Out, v.Types = cmpOr(v.In, in), cmpOr(v.Out, out), types
			prev = &Version{Types: map[string]TypeSet{}, Attrs: op.attrs.schema()}
		} else if v.Since >= prev.Since {
			return fmt.Errorf("version %d stands after %d", v.Since, prev.Since)
		}
		cur := &Version{Since: v.Since, Extra: v.Extra, In: prev.In, Out: prev.Out, Types: prev.Types, Up: v.Up, Old: v.Old}
		var err error
		if v.In != "" {
			if cur.In, err = parseParams(v.In); err != nil {
				return err
			}
		}
		if v.Out != "" {
			if cur.Out, err = parseParams(v.Out); err != nil {
				return err
			}
		}
		if cur.Types, err = parseTypes(prev.Types, v.Types); err != nil {
			return err
		}
		if cur.Attrs, err = changeAttrs(prev.Attrs, v.Attrs); err != nil {
			return err
		}
		if err := cur.checkParams(); err != nil {
			return fmt.Errorf("version %d: %w", v.Since, err)
		}
		op.Versions = append(op.Versions, cur)
		prev = cur
	}
	return nil
}

func cmpOr(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// Err reports a mistake in the declaration.
func (op *Op) Err() error { return op.err }

// MayOmit reports whether a node may leave out output o. Kernels can count on the others.
func (op *Op) MayOmit(o int) bool {
	p := param(op.Newest().Out, o)
	return p == nil || p.Optional || p.Variadic
}

// String returns the name with its domain: "Relu", "com.microsoft.Gelu".
func (op *Op) String() string {
	if op.Domain == "" {
		return op.Name
	}
	return op.Domain + "." + op.Name
}

// At returns the version that a model importing the given opset uses, and its index in Versions; nil when the operator came later.
func (op *Op) At(opset int) (*Version, int) {
	for i, v := range op.Versions {
		if v.Since <= opset {
			return v, i
		}
	}
	return nil, -1
}

// Newest returns the version whose form shape rules and kernels see.
func (op *Op) Newest() *Version { return op.Versions[0] }

// ParseAttrs checks attrs against the newest version and returns the operator's attribute struct.
func (op *Op) ParseAttrs(attrs Attrs) (any, error) { return op.attrs.parse(attrs) }

// InferTypes runs the shape rule. a is what ParseAttrs returned.
func (op *Op) InferTypes(c *Infer, a any) error {
	p, err := op.some(a)
	if err == nil && op.Expands() {
		err = fmt.Errorf("%s %w", op, errExpands)
	}
	if err != nil {
		return err
	}
	if err := op.spec.Infer(c, p); err != nil && c.err == nil {
		return err
	}
	return c.check(op)
}

// BindKernel prepares the operator for concrete types.
func (op *Op) BindKernel(b *Bind, a any) (Kernel, error) {
	p, err := op.some(a)
	if err == nil && op.Expands() {
		err = fmt.Errorf("%s %w", op, errExpands)
	}
	if err != nil {
		return nil, err
	}
	if b.idle() {
		return evalKernel(func(*Call) error { return nil }), nil
	}
	if op.spec.Eval != nil {
		return evalKernel(func(c *Call) error { return op.spec.Eval(c, p) }), nil
	}
	return op.spec.Bind(b, p)
}

// HasView reports whether outputs may be views of inputs.
func (op *Op) HasView() bool { return op.spec.View != nil }

// ViewOf reports whether output o is bytes of an input, and which.
func (op *Op) ViewOf(c *Infer, a any, o int) (input, offset int, ok bool) {
	p, err := op.some(a)
	if err != nil || op.spec.View == nil {
		return 0, 0, false
	}
	return op.spec.View(c, p, o)
}

// Param is an input or output in a version's schema.
type Param struct {
	Name     string
	Type     string // a type variable, or a type such as "int64" or "seq(T)"
	Optional bool
	Variadic bool
	Hetero   bool // the values of a variadic parameter may differ in type
	Min      int  // least number of values of a variadic parameter
}

// parseParams reads "X:T, B:T?, xs:T*, v:~V*0": a question mark makes a parameter optional, a star variadic with at least one value (*0:
// with none), a tilde lets variadic values differ in type.
func parseParams(s string) ([]Param, error) {
	var ps []Param
	for _, f := range strings.Split(s, ",") {
		f = strings.TrimSpace(f)
		if f == "" {
			continue
		}
		name, typ, ok := strings.Cut(f, ":")
		if !ok {
			return nil, fmt.Errorf("parameter %q has no type", f)
		}
		p := Param{Name: name}
		if strings.HasSuffix(typ, "*0") {
			typ, p.Variadic = typ[:len(typ)-2], true
		} else if strings.HasSuffix(typ, "*") {
			typ, p.Variadic, p.Min = typ[:len(typ)-1], true, 1
		} else if strings.HasSuffix(typ, "?") {
			typ, p.Optional = typ[:len(typ)-1], true
		}
		p.Type, p.Hetero = strings.TrimPrefix(typ, "~"), strings.HasPrefix(typ, "~")
		if len(ps) > 0 && ps[len(ps)-1].Variadic {
			return nil, fmt.Errorf("%s follows a variadic parameter", name)
		}
		ps = append(ps, p)
	}
	return ps, nil
}

func (v *Version) checkParams() error {
	for _, p := range append(append([]Param{}, v.In...), v.Out...) {
		if _, err := v.typeSet(p.Type); err != nil {
			return fmt.Errorf("parameter %s: %w", p.Name, err)
		}
	}
	return nil
}

// TypeSet resolves a type variable, or a type written out; empty for one that isn't known.
func (v *Version) TypeSet(name string) TypeSet {
	ts, _ := v.typeSet(name)
	return ts
}

// typeSet resolves a type variable, or a type written out.
func (v *Version) typeSet(name string) (TypeSet, error) {
	if ts, ok := v.Types[name]; ok {
		return ts, nil
	}
	return parseTypeSet(name)
}

// Arity returns the least and the largest number of values for a list of parameters; -1: no limit.
func Arity(ps []Param) (least, most int) {
	for i, p := range ps {
		switch {
		case p.Variadic:
			return max(least, i+p.Min), -1
		case !p.Optional:
			least = i + 1
		}
	}
	return least, len(ps)
}

// param returns the parameter of the i-th value.
func param(ps []Param, i int) *Param {
	if i < len(ps) {
		return &ps[i]
	}
	if n := len(ps); n > 0 && ps[n-1].Variadic {
		return &ps[n-1]
	}
	return nil
}

// CheckInputs checks the number of inputs, which of them are absent, and their types as far as they are known. present(i) tells
// whether the i-th input is there; types[i] may be nil when nothing is known.
func (v *Version) CheckInputs(present []bool, types []*Type) error {
	least, most := Arity(v.In)
	n := len(present)
	for n > 0 && !present[n-1] {
		n-- // trailing absent inputs are as good as none
	}
	if n < least || (most >= 0 && n > most) {
		return fmt.Errorf("has %d inputs; version %d of the operator takes %s", n, v.Since, arityString(least, most))
	}
	bound := map[string]tensor.DType{}
	for i := range n {
		p := param(v.In, i)
		if !present[i] {
			if !p.Optional {
				return fmt.Errorf("input %d (%s) is absent; only optional inputs may be", i, p.Name)
			}
			continue
		}
		if err := v.checkType(p, types[i], bound); err != nil {
			return fmt.Errorf("input %d (%s): %w", i, p.Name, err)
		}
	}
	return nil
}

// CheckOutputs checks the number of outputs that a node names, and their types as far as they are known; a nil type isn't.
func (v *Version) CheckOutputs(types []*Type) error {
	if least, most := Arity(v.Out); len(types) < least || most >= 0 && len(types) > most {
		return fmt.Errorf("names %d outputs; version %d of the operator has %s", len(types), v.Since, arityString(least, most))
	}
	for o, t := range types {
		if t == nil || t.Kind == KindNone {
			continue
		}
		p := param(v.Out, o)
		if ts := v.TypeSet(p.Type); !ts.Allows(t) {
			return fmt.Errorf("output %d (%s) would be of type %s; version %d of the operator gives %s", o, p.Name, t, v.Since, ts)
		}
	}
	return nil
}

func (v *Version) checkType(p *Param, t *Type, bound map[string]tensor.DType) error {
	if t == nil || t.Kind == KindNone {
		return nil
	}
	ts, err := v.typeSet(p.Type)
	if err != nil {
		return err
	}
	if !ts.Allows(t) {
		return fmt.Errorf("has type %s; version %d of the operator takes %s", t, v.Since, ts)
	}
	if _, isVar := v.Types[p.Type]; !isVar || p.Hetero || t.Kind != KindTensor || t.DT == tensor.Invalid {
		return nil
	}
	if dt, ok := bound[p.Type]; ok && dt != t.DT {
		return fmt.Errorf("has dtype %s, but %s is %s in an input before it", t.DT, p.Type, dt)
	}
	bound[p.Type] = t.DT
	return nil
}

func arityString(least, most int) string {
	switch {
	case most < 0:
		return fmt.Sprintf("%d or more", least)
	case least == most:
		return fmt.Sprint(least)
	}
	return fmt.Sprintf("%d to %d", least, most)
}
