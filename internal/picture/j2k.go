package picture

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// The JPEG 2000 decoder follows ISO/IEC 15444-1, bare codestreams and JP2 files. What the standard leaves open, where in its interval a coefficient
// lies and how the irreversible transform rounds, is done as OpenJPEG does it. Packed packet headers and the block coder of part 15 are refused.

var (
	errJ2KShort  = errors.New("the file ends early")
	errJ2KDamage = errors.New("damaged data")
)

// How a JP2 file says that its colours are meant.
const (
	colorsInk  = 12
	colorsSRGB = 16
	colorsGrey = 17
	colorsYCC  = 18
)

// jp2 is what a JP2 file says around its codestream.
type jp2 struct {
	stream  []byte
	colors  uint32 // 0 when it doesn't say
	palette [][]uint8
}

func isJPEG2000(data []byte) bool { return isCodestream(data) || isJP2(data) }

func isCodestream(data []byte) bool {
	return len(data) >= 4 && binary.BigEndian.Uint32(data) == 0xff4fff51
}

func isJP2(data []byte) bool {
	return len(data) >= 12 && string(data[:12]) == "\x00\x00\x00\x0cjP  \r\n\x87\n"
}

// decodeJPEG2000 decodes a file of either kind.
func decodeJPEG2000(data []byte, maxPixels int) (*Image, error) {
	file := &jp2{stream: data}
	if isJP2(data) {
		file.stream = nil
		if err := file.boxes(data); err != nil {
			return nil, err
		}
	}
	if !isCodestream(file.stream) {
		return nil, errJ2KShort
	}
	s := &j2kStream{data: file.stream, maxPixels: maxPixels}
	if err := s.decode(); err != nil {
		return nil, err
	}
	return file.picture(s)
}

// boxes reads a list of boxes.
func (f *jp2) boxes(b []byte) error {
	for len(b) >= 8 {
		n, kind, head := uint64(binary.BigEndian.Uint32(b)), string(b[4:8]), 8
		switch {
		case n == 0:
			n = uint64(len(b))
		case n == 1 && len(b) >= 16:
			n, head = binary.BigEndian.Uint64(b[8:]), 16
		}
		if n < uint64(head) {
			return errJ2KDamage
		}
		body := b[head:]
		if n <= uint64(len(b)) {
			body = b[head:n]
		}
		switch kind {
		case "jp2h":
			if err := f.boxes(body); err != nil {
				return err
			}
		case "colr":
			if len(body) >= 7 && body[0] == 1 && f.colors == 0 {
				f.colors = binary.BigEndian.Uint32(body[3:])
			}
		case "pclr":
			if err := f.readPalette(body); err != nil {
				return err
			}
		case "jp2c":
			if f.stream == nil {
				f.stream = body
			}
		}
		if n > uint64(len(b)) {
			break
		}
		b = b[n:]
	}
	return nil
}

// readPalette reads a palette of 8-bit colours.
func (f *jp2) readPalette(b []byte) error {
	if len(b) < 3 {
		return errJ2KDamage
	}
	entries, columns := int(binary.BigEndian.Uint16(b)), int(b[2])
	if len(b) < 3+columns+entries*columns {
		return errJ2KDamage
	}
	for _, depth := range b[3 : 3+columns] {
		if depth > 7 {
			return unsupported("palettes of more than 8 bits")
		}
	}
	f.palette = make([][]uint8, entries)
	for i := range f.palette {
		f.palette[i] = b[3+columns+i*columns:][:columns]
	}
	return nil
}

// picture makes an image of the stream's components. One behind one or three is opacity.
func (f *jp2) picture(s *j2kStream) (*Image, error) {
	w, h := s.x1-s.x0, s.y1-s.y0
	channels := len(s.comps)
	row := func(dst []uint8, y int) { // the samples of a row, those of a pixel side by side
		for c := range s.comps {
			s.comps[c].row(dst[c:], channels, s.x0, s.y0, w, y)
		}
	}
	if f.palette != nil {
		columns := 0
		if len(f.palette) > 0 {
			columns = len(f.palette[0])
		}
		if channels != 1 || columns < 1 {
			return nil, unsupported("palettes for several components")
		}
		index := make([]uint8, w)
		channels = columns
		row = func(dst []uint8, y int) {
			s.comps[0].row(index, 1, s.x0, s.y0, w, y)
			for x, i := range index {
				if int(i) < len(f.palette) { // what lies beyond is black
					copy(dst[x*columns:], f.palette[i])
				}
			}
		}
	}
	if channels > 4 {
		return nil, unsupported(fmt.Sprintf("pictures of %d components", channels))
	}
	switch f.colors {
	case 0, colorsInk, colorsSRGB, colorsGrey, colorsYCC:
	default:
		return nil, unsupported(fmt.Sprintf("pictures in colour space %d", f.colors))
	}
	colors := 1
	if channels > 2 {
		colors = 3
	}
	out := newImage(w, h, colors)
	line := make([]uint8, w*channels)
	for y := range h {
		clear(line)
		row(line, y)
		dst := out.Pix[y*w*colors:][:w*colors]
		for x := range w {
			px, last := dst[x*colors:][:colors], line[(x+1)*channels-1]
			copy(px, line[x*channels:])
			switch {
			case colors == 3 && f.colors == colorsYCC:
				fromSYCC((*[3]uint8)(px))
			case channels == 4 && f.colors == colorsInk:
				white := 255 - last
				for c, v := range px {
					px[c] = white - mul255(v, white)
				}
				continue
			}
			if channels > colors {
				onBlack(px, last)
			}
		}
	}
	return out, nil
}

// fromSYCC converts luma and chroma, with the 6-bit fractions that Pillow has here; those of JPEGs are finer.
func fromSYCC(px *[3]uint8) {
	y := int32(px[0])
	part := func(f float64, v uint8) int32 { return int32(f*64*(float64(v)-128) + 0.5) }
	r, b := part(1.402, px[2])>>6, part(1.772, px[1])>>6
	g := (part(-0.34414, px[1]) + part(-0.71414, px[2])) >> 6
	px[0], px[1], px[2] = clip8(y+r), clip8(y+g), clip8(y+b)
}
