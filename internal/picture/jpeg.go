package picture

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// The JPEG decoder follows ITU-T T.81: baseline, extended and progressive files of 8 bits with Huffman codes. The standard leaves open how the inverse
// cosine transform rounds and how chroma is enlarged; there it computes what libjpeg does by default, to the bit, because that is what
// networks were trained on.

var (
	errJPEGShort  = errors.New("the file ends early")
	errJPEGDamage = errors.New("damaged data")
)

// jpegFile is a file as far as it has been read.
type jpegFile struct {
	data      []byte
	pos       int
	maxPixels int

	quant   [4]*[64]int32 // in the order of the file; nil where none was defined
	dc, ac  [4]*jpegCode
	restart int // blocks' groups between restart markers; 0: none

	w, h        int
	progressive bool
	parts       []*jpegPart
	maxH, maxV  int
	scans       int

	jfif  bool
	adobe int // the colour transform that Adobe's marker names; -1 without one
}

// jpegPart is a component: a channel, maybe of a smaller size.
type jpegPart struct {
	id, table int
	h, v      int // sampling factors
	w, rows   int // samples that belong to the picture, and rows of them
	across    int // blocks in a row, whole groups
	down      int
	quant     *[64]int32 // as it was when the component's first scan began
	pix       []uint8    // samples, 8·across in a row
	coef      []int16    // of a progressive file: blocks, their coefficients in natural order
	before    int32      // the DC value of the block before
	seen      bool       // its DC values are there
}

// The markers that the decoder acts on.
const (
	mSOF0, mSOF2, mDHT, mSOF15   = 0xc0, 0xc2, 0xc4, 0xcf
	mRST0, mRST7, mSOI, mEOI     = 0xd0, 0xd7, 0xd8, 0xd9
	mSOS, mDQT, mDNL, mDRI       = 0xda, 0xdb, 0xdc, 0xdd
	mJPG, mDAC, mTEM, mAPP0, mE0 = 0xc8, 0xcc, 0x01, 0xe0, 0xee
)

// maxScans bounds what a file can cost whose scans say nothing; real ones have about ten.
const maxScans = 500

// zigzag is the place of the coefficients in a block, in the order of the file.
var zigzag = [64]uint8{
	0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14, 21, 28,
	35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
}

func isJPEG(data []byte) bool { return len(data) >= 2 && data[0] == 0xff && data[1] == mSOI }

// decodeJPEG decodes a file, which begins with a start of image.
func decodeJPEG(data []byte, maxPixels int) (*Image, error) {
	f := &jpegFile{data: data, pos: 2, maxPixels: maxPixels, adobe: -1}
	for {
		marker, err := f.marker()
		if err == errJPEGShort && !f.progressive && f.complete() {
			break // all is there but the end mark
		}
		if err != nil {
			return nil, err
		}
		if marker == mEOI {
			break
		}
		if marker == mTEM || marker >= mRST0 && marker <= mRST7 {
			continue // they have no body
		}
		body, err := f.body()
		if err != nil {
			return nil, err
		}
		switch {
		case marker == mDHT:
			err = f.readCodes(body)
		case marker == mDQT:
			err = f.readQuant(body)
		case marker == mDRI:
			if len(body) < 2 {
				return nil, errJPEGDamage
			}
			f.restart = int(binary.BigEndian.Uint16(body))
		case marker == mSOS:
			err = f.scan(body)
		case marker >= mSOF0 && marker <= mSOF2:
			f.progressive = marker == mSOF2
			err = f.readFrame(body)
		case marker > mSOF2 && marker <= mSOF15 && marker != mJPG && marker != mDAC:
			err = unsupported("lossless, hierarchical and arithmetic-coded files")
		case marker == mDNL || marker == mSOI:
			err = errJPEGDamage
		case marker == mAPP0 && len(body) >= 5 && string(body[:5]) == "JFIF\x00":
			f.jfif = true
		case marker == mE0 && len(body) >= 12 && string(body[:5]) == "Adobe":
			f.adobe = int(body[11])
		}
		if err != nil {
			return nil, err
		}
	}
	if !f.complete() {
		return nil, errJPEGShort
	}
	return f.picture()
}

// complete reports whether all components have been read.
func (f *jpegFile) complete() bool {
	for _, p := range f.parts {
		if !p.seen {
			return false
		}
	}
	return len(f.parts) > 0
}

// marker finds the next marker and returns its code. What lies before it is passed over, as libjpeg does.
func (f *jpegFile) marker() (int, error) {
	for ; f.pos+1 < len(f.data); f.pos++ {
		if c := f.data[f.pos+1]; f.data[f.pos] == 0xff && c != 0 && c != 0xff {
			f.pos += 2
			return int(c), nil
		}
	}
	return 0, errJPEGShort
}

// body returns the body of a segment.
func (f *jpegFile) body() ([]byte, error) {
	rest := f.data[f.pos:]
	if len(rest) < 2 {
		return nil, errJPEGShort
	}
	n := int(binary.BigEndian.Uint16(rest))
	if n < 2 {
		return nil, errJPEGDamage
	}
	if n > len(rest) {
		return nil, errJPEGShort
	}
	f.pos += n
	return rest[2:n], nil
}

// readQuant reads quantisation tables.
func (f *jpegFile) readQuant(b []byte) error {
	for len(b) > 0 {
		wide, id := int(b[0]>>4), int(b[0]&15)
		size := 64 * (wide + 1)
		if wide > 1 || id > 3 || len(b) < 1+size {
			return errJPEGDamage
		}
		q := new([64]int32)
		for i := range q {
			if wide == 1 {
				q[i] = int32(binary.BigEndian.Uint16(b[1+2*i:]))
			} else {
				q[i] = int32(b[1+i])
			}
		}
		f.quant[id], b = q, b[1+size:]
	}
	return nil
}

// readFrame reads the header of the picture. It allocates nothing of the picture's size.
func (f *jpegFile) readFrame(b []byte) error {
	if f.parts != nil {
		return errors.New("there are several pictures in one")
	}
	if len(b) < 6 || len(b) < 6+3*int(b[5]) {
		return errJPEGDamage
	}
	if b[0] != 8 {
		return unsupported(fmt.Sprintf("samples of %d bits", b[0]))
	}
	f.h, f.w = int(binary.BigEndian.Uint16(b[1:])), int(binary.BigEndian.Uint16(b[3:]))
	if f.w == 0 || f.h == 0 {
		return fmt.Errorf("the picture has %d×%d pixels", f.w, f.h)
	}
	if err := tooLarge(f.w, f.h, f.maxPixels); err != nil {
		return err
	}
	n := int(b[5])
	if n != 1 && n != 3 && n != 4 {
		return unsupported(fmt.Sprintf("pictures of %d components", n))
	}
	for i := range n {
		c := b[6+3*i:]
		p := &jpegPart{id: int(c[0]), h: int(c[1] >> 4), v: int(c[1] & 15), table: int(c[2])}
		if p.h < 1 || p.h > 4 || p.v < 1 || p.v > 4 || p.table > 3 {
			return errJPEGDamage
		}
		for _, q := range f.parts {
			if q.id == p.id {
				return errJPEGDamage
			}
		}
		f.maxH, f.maxV = max(f.maxH, p.h), max(f.maxV, p.v)
		f.parts = append(f.parts, p)
	}
	blocks := 0
	for _, p := range f.parts {
		if f.maxH%p.h != 0 || f.maxV%p.v != 0 {
			return unsupported(fmt.Sprintf("components of %d/%d × %d/%d of the samples", p.h, f.maxH, p.v, f.maxV))
		}
		p.w, p.rows = ceilDiv(f.w*p.h, f.maxH), ceilDiv(f.h*p.v, f.maxV)
		groupsX, groupsY := f.groups()
		p.across, p.down = groupsX*p.h, groupsY*p.v
		blocks += ceilDiv(p.w, 8) * ceilDiv(p.rows, 8)
	}
	// Each block takes a bit at least. A file that is too short for that would only cost memory.
	if blocks/8 > len(f.data) {
		return errJPEGShort
	}
	return nil
}

// groups returns how many groups of blocks ("MCU") of all components the picture has.
func (f *jpegFile) groups() (across, down int) {
	return ceilDiv(f.w, 8*f.maxH), ceilDiv(f.h, 8*f.maxV)
}

func ceilDiv(a, b int) int { return (a + b - 1) / b }
