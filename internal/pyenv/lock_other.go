//go:build !linux && !darwin && !freebsd && !netbsd && !openbsd && !dragonfly && !windows

package pyenv

import "os"

// tryLock locks nothing: these systems have no such lock in the standard
// library, and none of them runs two installations at a time.
func tryLock(*os.File) (bool, error) { return true, nil }
