package loader

import (
	"errors"
	"fmt"
	"math"
	"math/bits"
	"strconv"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"

	"ingot/tensor"
)

// Numbers of TensorProto's fields that hold elements.
const (
	fieldFloat  protowire.Number = 4
	fieldInt32  protowire.Number = 5
	fieldString protowire.Number = 6
	fieldInt64  protowire.Number = 7
	fieldRaw    protowire.Number = 9
	fieldDouble protowire.Number = 10
	fieldUint64 protowire.Number = 11
)

// maxRank bounds the number of a tensor's dimensions; NumPy's bound is the same.
const maxRank = 64

// ExternalData says where in another file a tensor's payload lies.
type ExternalData struct {
	Location string // slash-separated path, relative to the model's folder
	Offset   int64
	Length   int64 // -1 when the file doesn't say; the shape and type tell it too
}

// tensorProto is a TensorProto whose header was read and checked, and whose payload was found but not touched.
type tensorProto struct {
	name, doc string
	dt        tensor.DType
	dims      []int
	n         int // elements
	size      int // bytes of the payload in raw_data's form; 0 for strings
	meta      Props

	raw   []byte           // the payload, if it lies in one piece in raw_data's form
	field protowire.Number // else the field that holds the elements, to be collected from body; 0 for none
	body  []byte
	count int // elements of that field
	ext   *ExternalData

	at int64 // offset of body in the file
}

// tensorProto reads a TensorProto. It returns what it could read along with an error, so that the message can name the tensor.
func (d *decoder) tensorProto(m message) (*tensorProto, error) {
	p := &tensorProto{body: m.rest, at: m.pos}
	var dims []int64
	var entries Props
	external := false
	pieces := 0
	for m.next() {
		switch m.num {
		case 1:
			dims = m.ints(dims)
		case 2:
			p.dt = m.dtype()
		case 3:
			m.fail("the tensor is stored in segments, which isn't supported")
		case fieldFloat, fieldInt32, fieldInt64, fieldDouble, fieldUint64, fieldString:
			p.addTyped(&m)
			pieces++
		case 8:
			p.name = d.name(&m)
		case fieldRaw:
			if raw := m.bytes(); len(raw) > 0 {
				p.addData(&m, fieldRaw, 0)
				p.raw = raw
			}
		case 12:
			p.doc = m.str()
		case 13:
			d.props(&entries, &m)
		case 14:
			external = m.int64() == 1
		case 16:
			d.props(&p.meta, &m)
		}
	}
	if m.err != nil {
		return p, m.err
	}
	if p.field != fieldRaw && pieces != 1 {
		p.raw = nil
	}
	if err := p.shape(dims); err != nil {
		return p, formatErr(p.at, "%v", err)
	}
	if external {
		return p, d.external(p, entries)
	}
	return p, p.checkPayload()
}

// addTyped notes that the current field holds elements. A list of floats in one piece has raw_data's form already.
func (p *tensorProto) addTyped(m *message) {
	n := 1
	var elem protowire.Type
	size := 0
	switch m.num {
	case fieldString:
		if m.is(protowire.BytesType) {
			p.addData(m, m.num, 1)
		}
		return
	case fieldFloat:
		elem, size = protowire.Fixed32Type, 4
	case fieldDouble:
		elem, size = protowire.Fixed64Type, 8
	default:
		elem = protowire.VarintType
	}
	switch {
	case m.typ != protowire.BytesType:
		m.is(elem)
	case size == 0:
		n = 0
		m.varints(func(uint64) { n++ })
	case len(m.val)%size != 0:
		m.fail("a list of %d-byte numbers takes %d bytes", size, len(m.val))
	default:
		n = len(m.val) / size
		if p.field != fieldRaw && n > 0 {
			p.raw = m.val
		}
	}
	if n > 0 {
		p.addData(m, m.num, n)
	}
}

func (p *tensorProto) addData(m *message, field protowire.Number, n int) {
	if p.field != 0 && p.field != field {
		m.fail("the tensor's data is in two fields, %d and %d", p.field, field)
	}
	p.field = field
	p.count += n
}

// shape checks and keeps the dimensions, and works out what the payload must take.
func (p *tensorProto) shape(dims []int64) error {
	if !p.dt.Valid() {
		return errors.New("the tensor doesn't say which element type it has")
	}
	if len(dims) > maxRank {
		return fmt.Errorf("the tensor has %d dimensions, more than %d", len(dims), maxRank)
	}
	p.dims = make([]int, len(dims))
	for i, v := range dims {
		if v < 0 {
			return fmt.Errorf("dimension %d is negative: %d", i, v)
		}
		if v > math.MaxInt {
			return fmt.Errorf("dimension %d is larger than this machine can address: %d", i, v)
		}
		p.dims[i] = int(v)
	}
	if _, err := tensor.NumBytes(p.dt, p.dims); err != nil {
		return err
	}
	p.n, _ = tensor.NumElements(p.dims)
	p.size = rawSize(p.dt, p.n)
	return nil
}

// rawSize is the number of bytes that n elements take in raw_data's form, where elements below 8 bits are packed; 0 for strings. n
// elements are known to fit in memory.
func rawSize(dt tensor.DType, n int) int {
	if dt == tensor.String {
		return 0
	}
	if b := dt.Bits(); b < 8 {
		per := 8 / b
		return n/per + (n%per+per-1)/per
	}
	return n * dt.Size()
}

// typedField tells which field holds elements of this type, other than raw_data, and how many of the field's numbers n elements take.
func typedField(dt tensor.DType, n int) (protowire.Number, int) {
	switch dt {
	case tensor.Float32:
		return fieldFloat, n
	case tensor.Complex64:
		return fieldFloat, 2 * n
	case tensor.Float64:
		return fieldDouble, n
	case tensor.Complex128:
		return fieldDouble, 2 * n
	case tensor.Int64:
		return fieldInt64, n
	case tensor.Uint32, tensor.Uint64:
		return fieldUint64, n
	case tensor.String:
		return fieldString, n
	}
	if dt.Bits() < 8 {
		return fieldInt32, rawSize(dt, n)
	}
	return fieldInt32, n
}

// checkPayload compares what is there with what type and shape ask for.
func (p *tensorProto) checkPayload() error {
	want, count := typedField(p.dt, p.n)
	what := p.dt.String() + tensor.ShapeString(p.dims)
	switch {
	case p.field == 0 && p.n == 0:
		return nil
	case p.field == 0:
		return formatErr(p.at, "%s has no data", what)
	case p.field == fieldRaw && p.dt == tensor.String:
		return formatErr(p.at, "strings can't be in raw_data")
	case p.field == fieldRaw && len(p.raw) != p.size:
		return formatErr(p.at, "%s takes %d bytes, but %d are there", what, p.size, len(p.raw))
	case p.field == fieldRaw:
		return nil
	case p.field != want:
		return formatErr(p.at, "%s can't be in field %d, it belongs in field %d or in raw_data", what, p.field, want)
	case p.count != count:
		return formatErr(p.at, "%s takes %d numbers, but %d are there", what, count, p.count)
	}
	return nil
}

// external reads the entries that say where the payload is, and checks, unless this is to be done late, that it is there.
func (d *decoder) external(p *tensorProto, entries Props) error {
	e := &ExternalData{Length: -1}
	if p.dt == tensor.String {
		return formatErr(p.at, "strings can't be external data")
	}
	if p.field != 0 {
		return formatErr(p.at, "the tensor has data in the file although it says that it is external")
	}
	for _, kv := range entries {
		var err error
		switch kv.Key {
		case "location":
			e.Location = kv.Value
		case "offset":
			e.Offset, err = parseSize(kv.Value)
		case "length":
			e.Length, err = parseSize(kv.Value)
		}
		if err != nil {
			return formatErr(p.at, "external data: %s is %s, which isn't a size", kv.Key, quote(kv.Value))
		}
	}
	if e.Location == "" {
		return formatErr(p.at, "external data without a location")
	}
	if e.Length >= 0 && e.Length != int64(p.size) {
		return formatErr(p.at, "%s takes %d bytes, but the external data has %d", p.dt.String()+tensor.ShapeString(p.dims), p.size, e.Length)
	}
	p.ext = e
	if d.lim.lazyExternal || p.n == 0 {
		return nil
	}
	if err := d.src.ext.check(e, p.size); err != nil {
		return &FormatError{Offset: p.at, Msg: externalMsg(e), Err: err}
	}
	return nil
}

func externalMsg(e *ExternalData) string { return "external data in " + quote(e.Location) }

func parseSize(s string) (int64, error) {
	v, err := strconv.ParseInt(strings.TrimSpace(s), 10, 64)
	if err == nil && v < 0 {
		err = strconv.ErrRange
	}
	return v, err
}

// denseBytes is what a dense tensor takes in memory, saturating.
func denseBytes(dt tensor.DType, dims []int) uint64 {
	total := uint64(max(1, dt.Size()))
	if dt == tensor.String {
		total = 16
	}
	for _, d := range dims {
		hi, lo := bits.Mul64(total, uint64(d))
		if hi != 0 {
			return math.MaxUint64
		}
		total = lo
	}
	return total
}
