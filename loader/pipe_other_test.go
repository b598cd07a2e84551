//go:build !unix

package loader_test

import "errors"

func makePipe(string) error { return errors.ErrUnsupported }
