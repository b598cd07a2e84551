package picture

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/gif"
	"io"

	// The formats that image.Decode shall know.
	_ "image/png"

	_ "golang.org/x/image/bmp"
	_ "golang.org/x/image/tiff"
	_ "golang.org/x/image/webp"
)

// Limits bounds what a picture from elsewhere may cost. The zero value stands for the defaults.
type Limits struct {
	Pixels int   // width times height, refused before decoding; 100 million by default
	Bytes  int64 // of the file; 256 MiB by default
}

func (l Limits) withDefaults() Limits {
	if l.Pixels <= 0 {
		l.Pixels = 100_000_000
	}
	if l.Bytes <= 0 {
		l.Bytes = 256 << 20
	}
	return l
}

// DecodeError says why a file couldn't be read as a picture.
type DecodeError struct {
	Format string // "png", "jpeg", …; empty when it isn't known
	Reason string
	Err    error
}

func (e *DecodeError) Error() string {
	s := "picture: "
	if e.Format != "" {
		s += e.Format + ": "
	}
	s += e.Reason
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap returns the cause.
func (e *DecodeError) Unwrap() error { return e.Err }

// Decode reads a picture. It comes upright, transparent parts on black, with one channel when the file is grey and three else. Samples of
// 16 bits lose their lower half. A file that can't be read is a *[DecodeError].
func Decode(r io.Reader, limits Limits) (*Image, error) { return decodeFrom(r, limits, true) }

// DecodeStored is [Decode] without regard to the orientation that a camera noted: the picture comes as it is stored.
func DecodeStored(r io.Reader, limits Limits) (*Image, error) { return decodeFrom(r, limits, false) }

func decodeFrom(r io.Reader, limits Limits, upright bool) (*Image, error) {
	limits = limits.withDefaults()
	data, err := io.ReadAll(io.LimitReader(r, limits.Bytes+1))
	if err != nil {
		return nil, err
	}
	if int64(len(data)) > limits.Bytes {
		return nil, &DecodeError{Reason: fmt.Sprintf("the file is larger than the limit of %d bytes", limits.Bytes), Err: ErrTooLarge}
	}
	if len(data) == 0 {
		return nil, &DecodeError{Reason: "the file is empty"}
	}
	return decode(data, limits.Pixels, upright)
}

// ErrUnsupported is the cause of a [DecodeError] for a picture that may be a good one, of a kind that no decoder here reads.
var ErrUnsupported = errors.New("not supported")

// unsupported is an [ErrUnsupported] that says what isn't.
type unsupported string

func (u unsupported) Error() string        { return string(u) + " aren't supported" }
func (u unsupported) Is(target error) bool { return target == ErrUnsupported }

// ErrTooLarge is the cause of a [DecodeError] for a picture beyond the limits.
var ErrTooLarge = errors.New("the picture is too large")

func decode(data []byte, maxPixels int, upright bool) (m *Image, err error) {
	format := ""
	defer func() {
		if p := recover(); p != nil { // decoders meet files that nobody thought of
			m, err = nil, &DecodeError{Format: format, Reason: fmt.Sprintf("the decoder failed: %v", p)}
		}
	}()
	if isJPEG(data) {
		format = "jpeg"
		if m, err = decodeJPEG(data, maxPixels); err != nil {
			return nil, &DecodeError{Format: format, Reason: "can't be decoded", Err: err}
		}
		if upright {
			m = m.orient(orientation(data))
		}
		return m, nil
	}
	if isJPEG2000(data) {
		format = "jpeg2000"
		if m, err = decodeJPEG2000(data, maxPixels); err != nil {
			return nil, &DecodeError{Format: format, Reason: "can't be decoded", Err: err}
		}
		return m, nil
	}
	conf, format, err := image.DecodeConfig(bytes.NewReader(data))
	if err == image.ErrFormat {
		return nil, &DecodeError{Reason: "not a picture of a known format (png, jpeg, jpeg2000, gif, bmp, tiff, webp, pnm)"}
	}
	if err != nil {
		return nil, &DecodeError{Format: format, Reason: "can't be decoded", Err: err}
	}
	if conf.Width <= 0 || conf.Height <= 0 {
		return nil, &DecodeError{Format: format, Reason: fmt.Sprintf("the picture has %d×%d pixels", conf.Width, conf.Height)}
	}
	if err := tooLarge(conf.Width, conf.Height, maxPixels); err != nil {
		return nil, &DecodeError{Format: format, Reason: "can't be decoded", Err: err}
	}
	var img image.Image
	if format == "gif" {
		img, err = gif.Decode(bytes.NewReader(data)) // the first frame, which may be smaller than the picture
	} else {
		img, _, err = image.Decode(bytes.NewReader(data))
	}
	if err != nil {
		return nil, &DecodeError{Format: format, Reason: "can't be decoded", Err: err}
	}
	m = fromImage(img)
	if b := img.Bounds(); format == "gif" && b != image.Rect(0, 0, conf.Width, conf.Height) {
		m = m.pad(conf.Width, conf.Height, b.Min.X, b.Min.Y)
	}
	return m, nil
}

// tooLarge returns an error for more pixels than allowed.
func tooLarge(w, h, most int) error {
	if uint64(w)*uint64(h) > uint64(most) {
		return fmt.Errorf("%w: %d×%d pixels are more than the limit of %d", ErrTooLarge, w, h, most)
	}
	return nil
}
