package loader

import (
	"bytes"
	"encoding/binary"
	"unicode/utf8"
)

// magics are the beginnings of files that people take for ONNX models.
var magics = []struct {
	at     int
	prefix string
	what   string
}{
	{0, "version https://git-lfs", "this is a Git LFS pointer; the model itself was not downloaded (git lfs pull)"},
	{0, "\x89PNG", "this is a PNG picture"},
	{0, "\xff\xd8\xff", "this is a JPEG picture"},
	{0, "GIF8", "this is a GIF picture"},
	{0, "%PDF", "this is a PDF document"},
	{0, "\x93NUMPY", "this is a NumPy array (.npy)"},
	{0, "\x89HDF", "this is an HDF5 file, perhaps of Keras"},
	{0, "GGUF", "this is a GGUF file"},
	{0, "\x1f\x8b", "this is compressed with gzip"},
	{0, "BZh", "this is compressed with bzip2"},
	{0, "\xfd7zXZ\x00", "this is compressed with xz"},
	{0, "\x28\xb5\x2f\xfd", "this is compressed with zstd"},
	{0, "7z\xbc\xaf", "this is a 7z archive"},
	{0, "\x7fELF", "this is a program or library"},
	{0, "MZ", "this is a program or library"},
	{4, "TFL3", "this is a TensorFlow Lite model"},
	{4, "ORTM", "this is a model in ONNX Runtime's own format (.ort)"},
	{257, "ustar", "this is a tar archive"},
}

// recognise says what a file is that isn't a model, as far as its beginning shows it; "" when it doesn't.
func recognise(b []byte) string {
	for _, m := range magics {
		if len(b) >= m.at && bytes.HasPrefix(b[m.at:], []byte(m.prefix)) {
			return m.what
		}
	}
	head := b[:min(len(b), 4096)]
	text := bytes.TrimSpace(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf")))
	lower := bytes.ToLower(text[:min(len(text), 64)])
	switch {
	case bytes.HasPrefix(b, []byte("PK\x03\x04")):
		for _, mark := range []string{"data.pkl", "constants.pkl", "archive_format", "/version", "/byteorder"} {
			if bytes.Contains(head, []byte(mark)) {
				return "this is a PyTorch file; convert it first (ingot convert)"
			}
		}
		if bytes.Contains(head, []byte(".npy")) {
			return "this is a NumPy archive (.npz)"
		}
		return "this is a zip archive"
	case len(b) > 2 && b[0] == 0x80 && b[1] >= 2 && b[1] <= 5 && b[len(b)-1] == '.':
		return "this is a Python pickle, perhaps of PyTorch; convert it first (ingot convert)"
	case len(b) > 9 && binary.LittleEndian.Uint64(b) < uint64(len(b)) && b[8] == '{' && utf8.Valid(b[8:min(len(b), 9+16)]):
		return "this is a safetensors file: weights without a graph"
	case bytes.HasPrefix(lower, []byte("<!doctype")), bytes.HasPrefix(lower, []byte("<html")):
		return "this is a web page; perhaps the download needed a login or went to another address"
	case len(b) >= 16 && len(bytes.Trim(head, string(head[:1]))) == 0:
		return "the file holds the same byte over and over"
	case isText(text, len(b) > len(head)):
		return "this is text"
	}
	if name, t, err := DecodeTensor(b); err == nil {
		return "this is a single tensor, " + quote(name) + " " + t.String()
	}
	return ""
}

// isText tells whether all characters are such that editors show.
func isText(b []byte, cut bool) bool {
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		if r == utf8.RuneError && n == 1 && !(cut && len(b) < utf8.UTFMax) || r < ' ' && r != '\n' && r != '\r' && r != '\t' && r != '\f' || r == 0x7f {
			return false
		}
		b = b[n:]
	}
	return true
}
