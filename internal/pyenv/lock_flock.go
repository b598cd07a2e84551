//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package pyenv

import (
	"errors"
	"os"
	"syscall"
)

// tryLock locks f for this process unless another one has; closing f unlocks.
func tryLock(f *os.File) (bool, error) {
	err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) || errors.Is(err, syscall.EINTR) {
		return false, nil
	}
	return err == nil, err
}
