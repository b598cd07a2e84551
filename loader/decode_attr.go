package loader

import (
	"fmt"
	"math/bits"
)

// attr returns what it could read along with an error, so that the message can name the attribute.
func (d *decoder) attr(m message, depth int) (*Attr, error) {
	a := &Attr{}
	start := m.pos
	typ := int64(0)
	var seen uint32 // bit t: a field of AttrType t was there
	for m.next() {
		switch m.num {
		case 1:
			a.Name = d.name(&m)
		case 2:
			a.F = m.float32()
			seen |= 1 << AttrFloat
		case 3:
			a.I = m.int64()
			seen |= 1 << AttrInt
		case 4:
			a.S = m.str()
			seen |= 1 << AttrString
		case 5:
			t, err := d.attrTensor(m.sub())
			m.adopt(err, "")
			a.T = t
			seen |= 1 << AttrTensor
		case 6:
			a.G = &Graph{}
			m.adopt(d.graph(a.G, m.sub(), depth+1), "")
			seen |= 1 << AttrGraph
		case 7:
			a.Floats = m.float32s(a.Floats)
			seen |= 1 << AttrFloats
		case 8:
			a.Ints = m.ints(a.Ints)
			seen |= 1 << AttrInts
		case 9:
			a.Strings = append(a.Strings, m.str())
			seen |= 1 << AttrStrings
		case 10:
			t, err := d.attrTensor(m.sub())
			m.adopt(err, "")
			a.Tensors = append(a.Tensors, t)
			seen |= 1 << AttrTensors
		case 11:
			g := &Graph{}
			if err := d.graph(g, m.sub(), depth+1); err != nil {
				m.adopt(err, fmt.Sprintf("graph %d", len(a.Graphs)))
			}
			a.Graphs = append(a.Graphs, g)
			seen |= 1 << AttrGraphs
		case 13:
			a.Doc = m.str()
		case 14:
			a.TP = &TypeInfo{}
			m.adopt(d.typeInfo(a.TP, m.sub(), 1), "")
			seen |= 1 << AttrTypeInfo
		case 15:
			t := &TypeInfo{}
			m.adopt(d.typeInfo(t, m.sub(), 1), "")
			a.Types = append(a.Types, t)
			seen |= 1 << AttrTypeInfos
		case 20:
			typ = m.int64()
		case 21:
			a.RefAttrName = d.name(&m)
		case 22:
			s, err := d.sparse(m.sub())
			m.adopt(err, "")
			a.Sparse = s
			seen |= 1 << AttrSparseTensor
		case 23:
			s, err := d.sparse(m.sub())
			m.adopt(err, "")
			a.SparseTensors = append(a.SparseTensors, s)
			seen |= 1 << AttrSparseTensors
		}
	}
	if m.err != nil {
		return a, m.err
	}
	return a, a.settle(start, typ, seen)
}

// settle checks that the attribute holds what its type says. Files of IR version 1 have no type: the one field that is there tells.
func (a *Attr) settle(off, typ int64, seen uint32) error {
	if a.Name == "" {
		return formatErr(off, "the attribute has no name")
	}
	if typ < 0 || typ >= int64(len(attrTypeNames)) {
		return formatErr(off, "there is no attribute type with the number %d", typ)
	}
	a.Type = AttrType(typ)
	switch {
	case a.RefAttrName != "":
		return nil
	case a.Type == AttrUndefined && bits.OnesCount32(seen) == 1:
		a.Type = AttrType(bits.TrailingZeros32(seen))
	case a.Type == AttrUndefined:
		return formatErr(off, "the attribute doesn't say which type it has")
	case seen&^(1<<a.Type) != 0:
		other := AttrType(bits.TrailingZeros32(seen &^ (1 << a.Type)))
		return formatErr(off, "the attribute says that it is %s but holds %s", a.Type, other)
	}
	// Writers leave out zero numbers and empty strings and lists; there is no empty form of the others.
	missing := false
	switch a.Type {
	case AttrTensor:
		missing = a.T == nil
	case AttrGraph:
		missing = a.G == nil
	case AttrSparseTensor:
		missing = a.Sparse == nil
	case AttrTypeInfo:
		missing = a.TP == nil
	}
	if missing {
		return formatErr(off, "the attribute says that it is %s but holds none", a.Type)
	}
	return nil
}
