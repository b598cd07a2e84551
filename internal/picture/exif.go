package picture

import (
	"bytes"
	"encoding/binary"
)

// orientation returns the value of EXIF's orientation tag in a JPEG file, 1 (upright) when it has none or is damaged.
func orientation(jpeg []byte) int {
	for at := 2; at+4 <= len(jpeg) && jpeg[at] == 0xff; {
		marker, size := jpeg[at+1], int(binary.BigEndian.Uint16(jpeg[at+2:]))
		if marker == 0xff { // filling
			at++
			continue
		}
		if marker == 0xda || size < 2 || at+2+size > len(jpeg) { // the compressed data starts
			return 1
		}
		body := jpeg[at+4 : at+2+size]
		if marker == 0xe1 && bytes.HasPrefix(body, []byte("Exif\x00\x00")) {
			return tiffOrientation(body[6:])
		}
		at += 2 + size
	}
	return 1
}

// tiffOrientation looks for tag 0x0112 in the first directory of a TIFF structure.
func tiffOrientation(b []byte) int {
	if len(b) < 8 {
		return 1
	}
	var order binary.ByteOrder = binary.LittleEndian
	switch string(b[:4]) {
	case "II*\x00":
	case "MM\x00*":
		order = binary.BigEndian
	default:
		return 1
	}
	dir := uint64(order.Uint32(b[4:]))
	if dir+2 > uint64(len(b)) {
		return 1
	}
	n := int(order.Uint16(b[dir:]))
	for e := b[dir+2:]; n > 0 && len(e) >= 12; n, e = n-1, e[12:] {
		const short = 3
		if order.Uint16(e) == 0x0112 && order.Uint16(e[2:]) == short {
			if v := int(order.Uint16(e[8:])); v >= 1 && v <= 8 {
				return v
			}
			return 1
		}
	}
	return 1
}
