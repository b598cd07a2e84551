package picture

import (
	"bufio"
	"errors"
	"fmt"
	"image"
	"image/color"
	"io"
)

func init() {
	for _, magic := range []string{"P1", "P2", "P3", "P4", "P5", "P6"} {
		image.RegisterFormat("pnm", magic, decodePNM, configPNM)
	}
}

// pnm reads the portable formats of Netpbm: bitmaps (P1, P4), grey levels (P2, P5) and colours (P3, P6), the first of each pair as text.
type pnm struct {
	r    *bufio.Reader
	kind byte // '1' … '6'
	w, h int
	max  int // greatest sample, 1 to 65535
}

var errPNM = errors.New("malformed pnm header")

func newPNM(r io.Reader) (*pnm, error) {
	p := &pnm{r: bufio.NewReader(r), max: 1}
	var magic [2]byte
	if _, err := io.ReadFull(p.r, magic[:]); err != nil {
		return nil, err
	}
	if p.kind = magic[1]; magic[0] != 'P' || p.kind < '1' || p.kind > '6' {
		return nil, errPNM
	}
	fields := []*int{&p.w, &p.h, &p.max}
	if p.bitmap() {
		fields = fields[:2]
	}
	for _, f := range fields {
		n, err := p.number(1 << 30)
		if err != nil {
			return nil, err
		}
		*f = n
	}
	if p.w < 1 || p.h < 1 || p.max < 1 || p.max > 65535 {
		return nil, errPNM
	}
	return p, nil
}

func (p *pnm) bitmap() bool { return p.kind == '1' || p.kind == '4' }

func (p *pnm) colour() bool { return p.kind == '3' || p.kind == '6' }

// skip passes white space and comments, and returns the byte behind them.
func (p *pnm) skip() (byte, error) {
	for {
		c, err := p.r.ReadByte()
		if err != nil {
			return 0, err
		}
		switch c {
		case ' ', '\t', '\n', '\v', '\f', '\r':
		case '#':
			for c != '\n' && c != '\r' {
				if c, err = p.r.ReadByte(); err != nil {
					return 0, err
				}
			}
		default:
			return c, nil
		}
	}
}

// number reads a decimal number and, if it is white space, the byte behind it: one such stands before a binary raster.
func (p *pnm) number(limit int) (int, error) {
	c, err := p.skip()
	if err != nil {
		return 0, err
	}
	n := 0
	for digits := 0; ; digits++ {
		if c < '0' || c > '9' {
			if digits == 0 {
				return 0, errPNM
			}
			if c == '#' {
				return n, p.r.UnreadByte()
			}
			return n, nil
		}
		if n = n*10 + int(c-'0'); n > limit {
			return 0, fmt.Errorf("the number %d… is too large for its place in a pnm file", n)
		}
		if c, err = p.r.ReadByte(); err == io.EOF {
			return n, nil
		} else if err != nil {
			return 0, err
		}
	}
}

// sample reads the next sample, scaled to 8 bits.
func (p *pnm) sample() (uint8, error) {
	n := 0
	var err error
	switch {
	case p.kind <= '3':
		n, err = p.number(p.max)
	case p.max < 256:
		var b byte
		b, err = p.r.ReadByte()
		n = int(b)
	default:
		var b [2]byte
		_, err = io.ReadFull(p.r, b[:])
		n = int(b[0])<<8 | int(b[1])
	}
	if err == nil && n > p.max {
		err = fmt.Errorf("a sample of a pnm file is %d; the greatest is %d", n, p.max)
	}
	return uint8((n*255 + p.max/2) / p.max), err
}

// bits reads the rows of a bitmap, in which 1 is black.
func (p *pnm) bits(pix []uint8) error {
	if p.kind == '4' {
		row := make([]byte, (p.w+7)/8)
		for y := range p.h {
			if _, err := io.ReadFull(p.r, row); err != nil {
				return err
			}
			for x := range p.w {
				pix[y*p.w+x] = 255 * (^row[x/8] >> (7 - x%8) & 1)
			}
		}
		return nil
	}
	for i := range pix { // a digit each, with or without space between them
		c, err := p.skip()
		if err != nil {
			return err
		}
		if c != '0' && c != '1' {
			return errPNM
		}
		pix[i] = 255 * ('1' - c)
	}
	return nil
}

func configPNM(r io.Reader) (image.Config, error) {
	p, err := newPNM(r)
	if err != nil {
		return image.Config{}, err
	}
	c := image.Config{Width: p.w, Height: p.h, ColorModel: color.GrayModel}
	if p.colour() {
		c.ColorModel = color.RGBAModel
	}
	return c, nil
}

func decodePNM(r io.Reader) (image.Image, error) {
	p, err := newPNM(r)
	if err != nil {
		return nil, err
	}
	area := image.Rect(0, 0, p.w, p.h)
	if !p.colour() {
		m := image.NewGray(area)
		if p.bitmap() {
			return m, p.bits(m.Pix)
		}
		for i := range m.Pix {
			if m.Pix[i], err = p.sample(); err != nil {
				return nil, err
			}
		}
		return m, nil
	}
	m := image.NewRGBA(area)
	for i := range m.Pix {
		if m.Pix[i] = 255; i%4 < 3 {
			if m.Pix[i], err = p.sample(); err != nil {
				return nil, err
			}
		}
	}
	return m, nil
}
