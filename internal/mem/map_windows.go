package mem

import (
	"os"
	"unsafe"

	"golang.org/x/sys/windows"
)

const canMap = true

// bytesAt is the n bytes at an address that Windows has given out. The detour through memory tells vet that the integer
// isn't an address of the Go heap in disguise.
func bytesAt(addr uintptr, n int) []byte {
	return unsafe.Slice((*byte)(*(*unsafe.Pointer)(unsafe.Pointer(&addr))), n)
}

func addrOf(data []byte) uintptr { return uintptr(unsafe.Pointer(unsafe.SliceData(data))) }

func mapMemory(n int) ([]byte, error) {
	addr, err := windows.VirtualAlloc(0, uintptr(n), windows.MEM_RESERVE|windows.MEM_COMMIT, windows.PAGE_READWRITE)
	if err != nil {
		return nil, err
	}
	return bytesAt(addr, n), nil
}

// mapFile maps the file's first n bytes. Windows refuses to delete or truncate a file while it is mapped.
func mapFile(f *os.File, n int, private bool) ([]byte, error) {
	protect, access := uint32(windows.PAGE_READONLY), uint32(windows.FILE_MAP_READ)
	if private {
		protect, access = windows.PAGE_WRITECOPY, windows.FILE_MAP_COPY
	}
	size := uint64(n)
	mapping, err := windows.CreateFileMapping(windows.Handle(f.Fd()), nil, protect,
		uint32(size>>32), uint32(size), nil)
	if err != nil {
		return nil, err
	}
	defer windows.CloseHandle(mapping) // the view keeps it alive
	addr, err := windows.MapViewOfFile(mapping, access, 0, 0, uintptr(n))
	if err != nil {
		return nil, err
	}
	return bytesAt(addr, n), nil
}

// unmapMemory and unmapFile can fail only for addresses that aren't mappings.

func unmapMemory(data []byte) { _ = windows.VirtualFree(addrOf(data), 0, windows.MEM_RELEASE) }

func unmapFile(data []byte) { _ = windows.UnmapViewOfFile(addrOf(data)) }
