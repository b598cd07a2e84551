package mem

import "golang.org/x/sys/unix"

// minHuge is the size from which huge pages pay: below it, little of a mapping would be aligned to one.
const minHuge = 4 << 20

// wantHugePages asks for 2 MiB pages: fewer faults on first use and fewer TLB misses. It is only a wish.
func wantHugePages(data []byte) {
	if len(data) >= minHuge {
		_ = unix.Madvise(data, unix.MADV_HUGEPAGE)
	}
}

// discard drops whole pages of a file mapping. If it fails they merely stay.
func discard(p []byte) { _ = unix.Madvise(p, unix.MADV_DONTNEED) }
