package mem

import (
	"bytes"
	"encoding/binary"
	"os"
	"testing"
)

// resident counts the pages of p that are in this process's page table.
func resident(t *testing.T, p []byte) int {
	t.Helper()
	f, err := os.Open("/proc/self/pagemap")
	if err != nil {
		t.Skip(err)
	}
	defer f.Close()
	page := os.Getpagesize()
	n := 0
	for at := spanOf(p).from; at < spanOf(p).to; at += uintptr(page) {
		var entry [8]byte
		if _, err := f.ReadAt(entry[:], int64(at)/int64(page)*8); err != nil {
			t.Skip(err)
		}
		if binary.NativeEndian.Uint64(entry[:])>>63 != 0 { // "page present"
			n++
		}
	}
	return n
}

func TestDiscardFreesPages(t *testing.T) {
	const n = 1 << 20
	f, want := testFile(t, n)
	b, err := MapFile(f, n, false)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Free()
	p := b.Bytes()
	if !bytes.Equal(p, want) {
		t.Fatal("wrong contents")
	}
	pages := n / os.Getpagesize()
	if got := resident(t, p); got != pages {
		t.Skipf("%d of %d pages present after reading them: no way to see the effect here", got, pages)
	}
	// The page that the range begins in and the one it ends in stay.
	Discard(p[1 : n-1])
	if got := resident(t, p); got != 2 {
		t.Errorf("%d pages present after Discard, want 2", got)
	}
}

func TestMappedFileIsReadOnly(t *testing.T) {
	f, _ := testFile(t, 100)
	b, err := MapFile(f, 100, false)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Free()
	// The kernel refuses to write there on our behalf, where a store would end the process.
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	if _, err := w.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Read(b.Bytes()[:1]); err == nil {
		t.Error("read into a mapped file succeeded, want EFAULT")
	}
}
