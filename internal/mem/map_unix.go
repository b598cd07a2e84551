//go:build unix

package mem

import (
	"os"

	"golang.org/x/sys/unix"
)

const canMap = true

func mapMemory(n int) ([]byte, error) {
	return unix.Mmap(-1, 0, n, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
}

func mapFile(f *os.File, n int, private bool) ([]byte, error) {
	conn, err := f.SyscallConn() // unlike Fd it leaves the file's mode alone
	if err != nil {
		return nil, err
	}
	prot := unix.PROT_READ
	if private {
		prot |= unix.PROT_WRITE
	}
	var data []byte
	ctlErr := conn.Control(func(fd uintptr) {
		data, err = unix.Mmap(int(fd), 0, n, prot, unix.MAP_PRIVATE)
	})
	if ctlErr != nil {
		return nil, ctlErr
	}
	return data, err
}

// unmapMemory and unmapFile can fail only for ranges that aren't mappings.

func unmapMemory(data []byte) { _ = unix.Munmap(data) }

func unmapFile(data []byte) { _ = unix.Munmap(data) }
